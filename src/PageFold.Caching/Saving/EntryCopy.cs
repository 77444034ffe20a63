using PageFold.Caching.Index;
using PageFold.Caching.Records;

namespace PageFold.Caching.Saving;

/// <summary>An entry as it was while its bucket was held; its bytes lie in a buffer.</summary>
internal struct EntryCopy
{
    public EntryHeader Header;
    public EntryTag Tag;
    public EntryState State;
    public uint Deadline;

    /// <summary>Where the body begins, which the checksum covers, and its length.</summary>
    public int Body;
    public int BodyLength;

    /// <summary>Where the tags begin as they are saved, and how many they are.</summary>
    public int Tags;
    public int TagsLength;
    public byte TagCount;

    /// <summary>Of an entry in pieces: where the copy of its key begins, and later that of its stream.</summary>
    public int Stream;
}
