namespace PageFold;

/// <summary>A codec that a <see cref="PageStore"/> knows, and what it is used for.</summary>
/// <param name="Number">Its number, 0 to 3, by which pages name it. A codec keeps it until it is retired, or replaced when nothing is
/// stored with it.</param>
/// <param name="Name">The codec's name.</param>
/// <param name="Implementation">The library that does the work.</param>
/// <param name="Pages">Pages compressed with it, in memory or written back.</param>
/// <param name="IsForWrites">True if new writes use it.</param>
public sealed record CodecUse(int Number, string Name, string Implementation, long Pages, bool IsForWrites)
{
    /// <summary>Its level; zero for a codec without levels, and for one that is not the library's own.</summary>
    public int Level { get; init; }

    /// <summary>Bytes of its dictionary; zero for none.</summary>
    public int DictionaryBytes { get; init; }
}
