using System.Runtime.CompilerServices;
using PageFold.Mapping;

namespace PageFold.Allocation;

/// <summary>
/// An object between its allocation and the moment at which a slot names it: no other thread knows it, so it is filled without a lock.
/// </summary>
internal readonly unsafe struct UnpublishedObject(ulong word, ObjectView view, ulong* tag)
{
    /// <summary>The word that publishes the object, once it is in the slot that the tag names.</summary>
    public ulong Word => word;

    public ObjectLocation Location => SlotWord.Location(word);

    /// <summary>Sets the tag and the content.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill(ulong owner, byte* content)
    {
        *tag = owner;
        view.CopyFrom(content);
    }

    /// <summary>Sets the tag, and the content to zeros.</summary>
    public void FillWithZeros(ulong owner)
    {
        *tag = owner;
        view.Clear();
    }
}
