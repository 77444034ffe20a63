namespace PageFold;

/// <summary>
/// Which pages <see cref="PageStore.Recompress"/> takes, and what with. Without conditions it takes all that are compressed otherwise or
/// not at all.
/// </summary>
public sealed record RecompressionOptions
{
    /// <summary>
    /// The codec that the pages are compressed with, as a rule a denser one than that for writes. The store adds it to its own if need be.
    /// </summary>
    public required PageCodec Codec { get; init; }

    /// <summary>
    /// Only pages that were not accessed for so long; pages whose age is unknown count as old. Needs <see
    /// cref="PageStoreOptions.TrackAccess"/>. Null (the default) for all.
    /// </summary>
    public TimeSpan? MinAge { get; init; }

    /// <summary>Only pages that are stored raw. Default false.</summary>
    public bool OnlyIncompressible { get; init; }

    /// <summary>Only pages of which at least so many bytes are stored. Default 0.</summary>
    public int MinStoredBytes { get; init; }

    /// <summary>Ends after so many pages, whatever came of them. Null (the default) for no such end.</summary>
    public long? MaxPages { get; init; }

    /// <summary>
    /// Takes also pages that a recompression has gained nothing from since they were written. For a codec that was not tried before, such
    /// as a new dictionary. Default false.
    /// </summary>
    public bool RetryWithoutGain { get; init; }

    /// <summary>
    /// Retires codecs for this one (<see cref="PageStore.RetireCodec"/>), so that runs with ever new dictionaries or levels never come to
    /// an end: where all four numbers are taken, the codec with the fewest pages is retired first, and its pages are brought to the
    /// densest of the others; never the one for new writes, nor the one that the last such run made pages denser with. After the
    /// recompression earlier dictionaries of the same codec and level are retired too, and codecs that such runs brought are forgotten
    /// when nothing is stored with them. <see cref="MaxPages"/> is a limit to the pages moved for that as well. Default false.
    /// </summary>
    public bool RetireOthers { get; init; }
}

/// <summary>What a recompression did.</summary>
public sealed record RecompressionResult
{
    /// <summary>Pages that met the conditions.</summary>
    public required long Examined { get; init; }

    /// <summary>Pages that now take less memory.</summary>
    public required long Recompressed { get; init; }

    /// <summary>Pages that would take as much; they are marked now, and are left out next time.</summary>
    public required long WithoutGain { get; init; }

    /// <summary>
    /// Pages left as they were because another thread used them at that moment, memory was short, or what is stored is damaged.
    /// </summary>
    public required long Skipped { get; init; }

    /// <summary>
    /// Bytes stored for all pages, in memory and in the writeback file, when the run began: before pages were moved for it, too.
    /// </summary>
    public required long BytesBefore { get; init; }

    /// <summary>
    /// The same, less what the run has gained by recompressing pages and by moving them. What others wrote or discarded meanwhile does
    /// not count.
    /// </summary>
    public required long BytesAfter { get; init; }

    /// <summary>Pages that were moved from codecs that were to be retired.</summary>
    public long Moved { get; init; }

    /// <summary>
    /// Pages of those codecs that could not be moved, because they were in use, or memory or <see cref="RecompressionOptions.MaxPages"/>
    /// was short; the next run goes on with them.
    /// </summary>
    public long NotMoved { get; init; }

    /// <summary>
    /// False if the codec found no number, because pages of the codecs in <see cref="NotRetired"/> could not be moved
    /// (<see cref="RecompressionOptions.RetireOthers"/>): no page was recompressed, and those that were moved stay moved.
    /// </summary>
    public bool FoundNumber { get; init; } = true;

    /// <summary>
    /// The codec's number after the run; null if the store has forgotten it, because only the run brought it and no page is stored with
    /// it, or it found none.
    /// </summary>
    public int? Number { get; init; }

    /// <summary>Codecs that were to be retired and are not, with the pages that are still stored with them.</summary>
    public IReadOnlyList<CodecUse> NotRetired { get; init => field = ShownList<CodecUse>.Of(value); } = ShownList<CodecUse>.Of([]);

    /// <summary>
    /// Why they are not. If several causes were met, the one whose remedy lets the next run go on:
    /// <see cref="RetirementStop.MaxPages"/> first, then <see cref="RetirementStop.NoMemory"/>.
    /// </summary>
    public RetirementStop RetirementStopped { get; init; }

    /// <summary>True if the caller cancelled it before its end; what was done stays done.</summary>
    public bool WasCancelled { get; init; }

    /// <summary>Codecs that were retired.</summary>
    public int CodecsRetired { get; init; }
}
