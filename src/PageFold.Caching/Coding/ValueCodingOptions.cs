namespace PageFold.Caching.Coding;

/// <summary>How values are compressed, and when tables are trained on them.</summary>
internal sealed record ValueCodingOptions
{
    /// <summary>The codec's level.</summary>
    /// <remarks>
    /// Dense: with tables trained on the values it holds a third more than LZ4 with the same dictionary, in about the time of liblz4
    /// (docs/codec.md).
    /// </remarks>
    public FoldLevel Level { get; init; } = FoldLevel.Dense;

    /// <summary>The maximum length of a dictionary.</summary>
    public int DictionaryBytes { get; init; } = 32 << 10;

    /// <summary>Tables of several trainings that exist at once, at most: 1 to <see cref="CodecVersions.MostVersions"/>.</summary>
    public int MaxVersions { get; init; } = 15;

    /// <summary>Threads that encode or decode at once, at most; further ones wait.</summary>
    public int MaxCoders { get; init; } = 2 * Environment.ProcessorCount;

    /// <summary>One of about so many values is a sample.</summary>
    public int SampleOneIn { get; init; } = 8;

    /// <summary>Bytes of samples that are kept for a training.</summary>
    public int ReservoirBytes { get; init; } = 2 << 20;

    /// <summary>Samples that a training waits for, unless the reservoir is full with fewer.</summary>
    public int EnoughSamples { get; init; } = 1000;

    /// <summary>Bytes of samples that a training waits for.</summary>
    public int EnoughBytes { get; init; } = 256 << 10;

    /// <summary>Sampled values over which the gain is watched.</summary>
    public int Window { get; init; } = 1024;

    /// <summary>Trains again when the ratio has dropped by this part.</summary>
    public double Drop { get; init; } = 0.12;

    /// <summary>
    /// The time from one training to the next, at least. It is doubled, up to <see cref="MaxInterval"/>, after each that gained nothing.
    /// </summary>
    public TimeSpan MinInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>See <see cref="MinInterval"/>.</summary>
    public TimeSpan MaxInterval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>False to store all values as they are.</summary>
    public bool Compresses { get; init; } = true;

    /// <summary>False for the built-in tables alone.</summary>
    public bool Trains { get; init; } = true;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>
    /// Called on a thread of the pool before a training, when there are tables of so many trainings that no more fit. The cache brings the
    /// entries with this number to the current tables, or evicts them.
    /// </summary>
    public Action<byte>? Retire { get; init; }

    /// <summary>
    /// Called on the same thread when a training finds so many bytes not free; evicts entries for them, or returns false if that is too
    /// much for the cache.
    /// </summary>
    public Func<long, bool>? MakeRoom { get; init; }

    /// <summary>
    /// Called on the same thread after a training. Callbacks of the cache's user are called here, and not while it runs: they may dispose
    /// the cache, or wait for a thread that does.
    /// </summary>
    public Action? Ended { get; init; }
}
