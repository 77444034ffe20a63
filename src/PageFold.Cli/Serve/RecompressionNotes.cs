namespace PageFold.Cli.Serve;

/// <summary>
/// What is said of a recompression beside its figures: why it ended early, what was trained, and that the disk has grown.
/// </summary>
internal sealed record RecompressionNotes(NamedCodec Codec, RecompressionResult Result)
{
    /// <summary>Tables or a dictionary were trained, and are used from now on.</summary>
    public const string Kept = "kept";

    /// <summary>They were trained, but no page became smaller by them.</summary>
    public const string NotKept = "notKept";

    /// <summary>Training was asked for, and gave none.</summary>
    public const string No = "no";

    /// <summary>One of the above; null if no training was asked for.</summary>
    public string? Trained { get; init; }

    /// <summary>Why nothing was trained although it was asked for.</summary>
    public string? Untrained { get; init; }

    /// <summary>True if new writes use the codec from now on.</summary>
    public bool IsForWrites { get; init; }

    /// <summary>True if the server has a writeback file.</summary>
    public bool WritesBack { get; init; }

    /// <summary>What is no figure, for JSON.</summary>
    public IReadOnlyDictionary<string, string?> Words => new Dictionary<string, string?>
    {
        ["trained"] = Trained,
        ["notTrained"] = Untrained,
        ["notRetired"] = Result.NotRetired.Count == 0 ? null : Result.RetirementStopped switch
        {
            RetirementStop.MaxPages => "count",
            RetirementStop.NoMemory => "memory",
            _ => "inUse",
        },
    };

    /// <summary>
    /// Null for success: to have moved as many pages as were asked for is no fault. Otherwise a limit was reached, that of memory or that
    /// of four codecs.
    /// </summary>
    public int? ExitCode => Result.FoundNumber || Result.RetirementStopped == RetirementStop.MaxPages ? null : ExitCodes.LimitReached;

    /// <summary>All of it in one line; null for nothing.</summary>
    public string? Text
    {
        get
        {
            string retired = Result.CodecsRetired > 0 ? "was retired" : "was to be retired";
            string?[] notes =
            [
                Untrained is null ? null : $"nothing was trained: {Untrained}",
                Trained == NotKept && Result.FoundNumber
                    ? $"{What} trained, but no page became smaller by them; they are not kept" : null,
                Trained == NotKept && !Result.FoundNumber ? $"{What} trained, and are not kept" : null,
                Result.NotRetired.Count > 0 ? Remaining : Result.Examined == 0 ? Idle : null,
                Result.BytesAfter <= Result.BytesBefore ? null
                    : $"what is stored has grown by {ByteSize.Format(Result.BytesAfter - Result.BytesBefore)}: "
                        + $"{Figures.Count(Result.Moved, "page", "pages")} of a codec that {retired} take more with another, since a disk "
                        + "knows four codecs at a time",
                IsForWrites ? $"new writes use {Codec.Name} from now on" : null,
            ];
            string text = string.Join("; ", notes.OfType<string>());
            return text.Length > 0 ? text : null;
        }
    }

    private const string Idle = "there was nothing to recompress: pages that have this codec already, gained nothing before (--retry), "
        + "hold one repeated word or are written back stay as they are, as do those that --idle, --incompressible and --at-least leave out";

    private string What => Codec.Level is null ? "tables were" : "dictionaries were";

    /// <summary>The pages that were to leave their codecs and have not, why, and what helps.</summary>
    private string Remaining
    {
        get
        {
            string pages = string.Join(
                " and ", Result.NotRetired.Select(use => $"{Figures.Count(use.Pages, "page", "pages")} of {NameOf(use)}"));
            string cause = Result.RetirementStopped switch
            {
                RetirementStop.MaxPages => "were not moved, since --count pages have been; run it again, which goes on there, or with a "
                    + "larger --count",
                RetirementStop.NoMemory => $"could not be moved, because memory is short; trim or discard, "
                    + $"{(WritesBack ? "write pages back, " : string.Empty)}or serve with a larger --memory-limit, then run it again",
                _ => "could not be moved, because they, or the codec, are in use; run it again, which goes on there",
            };
            return Result.FoundNumber ? $"{pages} {cause}"
                : $"nothing was recompressed: {Codec.Name} needs the number of another codec, and {pages} {cause}";
        }
    }

    private static string NameOf(CodecUse use) => CodecNames.WithLevel(use.Name, use.Level);
}
