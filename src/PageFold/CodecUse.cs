namespace PageFold;

/// <summary>A codec that a <see cref="PageStore"/> knows, and what it is used for.</summary>
public sealed record CodecUse
{
    /// <summary>
    /// Its number, 0 to 3, by which pages name it. A codec keeps its number until it is retired, or replaced when nothing is stored with
    /// it.
    /// </summary>
    public required int Number { get; init; }

    /// <summary>The codec's name.</summary>
    public required string Name { get; init; }

    /// <summary>The library that does the work.</summary>
    public required string Implementation { get; init; }

    /// <summary>Pages compressed with it, in memory or written back.</summary>
    public long Pages { get; init; }

    /// <summary>True if new writes use it.</summary>
    public bool IsForWrites { get; init; }

    /// <summary>Its level; zero for a codec without levels, and for one that is not the library's own.</summary>
    public int Level { get; init; }

    /// <summary>Bytes of its dictionary; zero for none.</summary>
    public int DictionaryBytes { get; init; }
}
