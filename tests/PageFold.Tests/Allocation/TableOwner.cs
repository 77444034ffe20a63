namespace PageFold.Tests.Allocation;

/// <summary>An owner of a heap's objects as small as one can be: a locked location for each number, the number being the tag.</summary>
internal sealed class TableOwner(int numbers) : IObjectOwner
{
    private const long Locked = 1L << 62;

    // Zero: nothing. Otherwise the location plus one, and whether a thread holds it.
    private readonly long[] _places = new long[numbers];
    private long _moves;

    public long Moves => Volatile.Read(ref _moves);

    public bool TryBeginMove(ulong tag, ObjectLocation location)
    {
        long place = (long)location.Bits + 1;
        return tag < (ulong)_places.Length
            && Interlocked.CompareExchange(ref _places[tag], place | Locked, place) == place;
    }

    public void EndMove(ulong tag, ObjectLocation from, ObjectLocation to)
    {
        if (Volatile.Read(ref _places[tag]) != ((long)from.Bits + 1 | Locked))
            throw new InvalidOperationException("The object that moved is not the one that was locked.");
        Volatile.Write(ref _places[tag], (long)to.Bits + 1);
        Interlocked.Increment(ref _moves);
    }

    /// <summary>Holds a number alone; null if it has no object.</summary>
    public ObjectLocation? Hold(int number)
    {
        SpinWait spin = default;
        while (true)
        {
            long place = Volatile.Read(ref _places[number]);
            if ((place & Locked) == 0 && Interlocked.CompareExchange(ref _places[number], place | Locked, place) == place)
                return place == 0 ? null : new ObjectLocation((ulong)place - 1);
            spin.SpinOnce();
        }
    }

    /// <summary>Ends holding and publishes what the number has now.</summary>
    public void Release(int number, ObjectLocation? location) =>
        Volatile.Write(ref _places[number], location is { } place ? (long)place.Bits + 1 : 0);
}
