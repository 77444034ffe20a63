namespace PageFold;

/// <summary>The owner of a heap's objects: keeps their locations, and lets compaction move one object at a time.</summary>
/// <remarks>
/// <para>
/// Compaction reads the tag of an object that may be new, freed or half written. So a tag alone proves nothing: the owner finds the place
/// where it keeps the location that belongs to the tag, locks it, and compares. An object that is not published there does not move.
/// </para>
/// <para>
/// Both methods run inside the gate and under a latch of the heap, on the thread that compacts: one that asked for it, one that needs
/// memory, or a thread of the pool. They never wait for anything, do not throw, and call no method of the heap except
/// <see cref="ObjectHeap.View"/>. After <see cref="TryBeginMove"/> has returned true, <see cref="EndMove"/> follows on the same thread
/// before the next call of either.
/// </para>
/// </remarks>
public interface IObjectOwner
{
    /// <summary>
    /// Locks an object against every reader and writer if the owner has published it and no thread holds it; false, without waiting,
    /// otherwise.
    /// </summary>
    /// <param name="tag">What the object's tag is now: that of an earlier object, or garbage, if it is not published.</param>
    /// <param name="location">Where the object is.</param>
    public bool TryBeginMove(ulong tag, ObjectLocation location);

    /// <summary>Publishes the new location of the object that was locked, and unlocks it.</summary>
    /// <param name="tag">The tag that <see cref="TryBeginMove"/> was called with.</param>
    /// <param name="from">Where the object was.</param>
    /// <param name="to">Where the object is now, with the same bytes and the same tag.</param>
    public void EndMove(ulong tag, ObjectLocation from, ObjectLocation to);
}
