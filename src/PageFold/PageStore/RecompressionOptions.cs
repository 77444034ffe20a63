namespace PageFold;

/// <summary>Which pages <see cref="PageStore.Recompress"/> takes, and what with. Without conditions it takes all that are compressed otherwise or not at all.</summary>
public sealed class RecompressionOptions
{
    /// <summary>The codec that the pages are compressed with, as a rule a denser one than that for writes. The store adds it to its own if need be.</summary>
    public required PageCodec Codec { get; set; }

    /// <summary>Only pages that were not accessed for so long; pages whose age is unknown count as old. Needs <see cref="PageStoreOptions.TrackAccess"/>. Null (the default) for all.</summary>
    public TimeSpan? MinAge { get; set; }

    /// <summary>Only pages that are stored raw. Default false.</summary>
    public bool OnlyIncompressible { get; set; }

    /// <summary>Only pages of which at least so many bytes are stored. Default 0.</summary>
    public int LeastStoredBytes { get; set; }

    /// <summary>Ends after so many pages, whatever came of them. Null (the default) for no such end.</summary>
    public long? MostPages { get; set; }

    /// <summary>Takes also pages that a recompression has gained nothing from since they were written. Default false.</summary>
    public bool RetrySettled { get; set; }
}

/// <summary>What a recompression did.</summary>
public sealed record RecompressionResult
{
    /// <summary>Pages that met the conditions.</summary>
    public required long Examined { get; init; }

    /// <summary>Pages that now take less memory.</summary>
    public required long Recompressed { get; init; }

    /// <summary>Pages that would take as much; they are settled now, and are left out next time.</summary>
    public required long WithoutGain { get; init; }

    /// <summary>Pages left as they were because somebody used them at that moment, memory was short, or what is stored is damaged.</summary>
    public required long Skipped { get; init; }

    /// <summary>Stored bytes of the recompressed pages, before.</summary>
    public required long BytesBefore { get; init; }

    /// <summary>Stored bytes of the recompressed pages, after.</summary>
    public required long BytesAfter { get; init; }
}
