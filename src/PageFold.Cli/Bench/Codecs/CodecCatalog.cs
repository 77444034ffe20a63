using System.Globalization;
using PageFold.Cli.Interop.Codecs;

namespace PageFold.Cli.Bench.Codecs;

/// <summary>The codecs that can be compared: those of PageFold, and those of other libraries where they are installed.</summary>
/// <remarks>
/// A codec of another library is left out if PageFold has the same codec by the same library already; the name and the implementation
/// together identify a codec.
/// </remarks>
internal static class CodecCatalog
{
    /// <summary>The values that <c>--codecs</c> takes, for help and messages.</summary>
    public const string Names = $"{CodecNames.All}; lz4hc with a level from 3 to 12 as in lz4hc:9, lzo or snappy";

    private const string Lz4Hc = "lz4hc";
    private const string Lzo = "lzo";
    private const string Snappy = "snappy";
    private const int DefaultHighCompressionLevel = 9;

    // PageFold's own codecs, as --codec takes them. A new codec of the library is added here.
    private static readonly string[] OwnNames =
    [
        CodecNames.Fold, CodecNames.FoldDense, "lz4", "lz4-managed",
        "zstd:-5", "zstd:-3", "zstd:-1", "zstd:1", "zstd:3", "zstd:6", "zstd:9",
    ];

    // What only other libraries have.
    private static readonly string[] OtherNames = ["lz4hc:4", "lz4hc:9", "lz4hc:12", Lzo, Snappy];

    /// <summary>Finds the codecs of these names, grouped by implementation; without any name all codecs at hand.</summary>
    /// <param name="names">Names as <c>--codec</c> takes them, each once.</param>
    public static CodecSelection Select(IReadOnlyList<string> names)
    {
        string[] wanted = [.. names.Count > 0 ? names.Select(FullName) : [.. OwnNames, .. OtherNames]];
        if (wanted.Distinct().Count() < wanted.Length)
            throw new UserErrorException($"--codecs {string.Join(' ', names)} names a codec twice; name each once.");
        List<NamedCodec> codecs = [];
        List<MissingCodec> missing = [];
        foreach (string name in wanted)
        {
            (string family, int level) = Parts(name);
            IEnumerable<NamedCodec> found = family is Lz4Hc or Lzo or Snappy
                ? []
                : [CodecNames.Parse("--codecs", name, choices: Names)];
            if (Other(family, level, out string? lacks) is { } other)
                found = found.Append(new NamedCodec(name, other));
            else if (lacks is not null)
                missing.Add(new MissingCodec(name, lacks));
            codecs.AddRange(found.DistinctBy(codec => codec.Implementation));
        }
        if (codecs.Count == 0)
        {
            string reasons = string.Join("; ", missing.Select(codec => $"{codec.Codec}: {codec.Reason}"));
            throw new UserErrorException(
                $"--codecs {string.Join(' ', names)} names nothing that can be measured here ({reasons}); choose for example lz4.");
        }
        // A stable order: implementations as they first occur.
        return new CodecSelection([.. codecs.GroupBy(codec => codec.Implementation).SelectMany(group => group)], missing);
    }

    /// <summary>The codec of another library; null if there is none, and the reason if its library is not installed.</summary>
    private static PageCodec? Other(string family, int level, out string? lacks)
    {
        (PageCodec? codec, lacks) = family switch
        {
            "lz4" => Find(Lz4Library.Instance?.Fast(), "liblz4", "liblz4-1"),
            Lz4Hc => Find(Lz4Library.Instance?.HighCompression(level), "liblz4", "liblz4-1"),
            "lz4-managed" => (new K4osLz4Codec(), null),
            "zstd" => Find(ZstdLibrary.Instance?.Zstd(level), "libzstd", "libzstd1"),
            Lzo => Find(LzoLibrary.Instance?.Lzo(), "liblzo2", "liblzo2-2"),
            Snappy => Find(SnappyLibrary.Instance?.Snappy(), "libsnappy", "libsnappy1v5"),
            _ => (null, null),
        };
        return codec;
    }

    private static (PageCodec? Codec, string? Lacks) Find(PageCodec? codec, string library, string package) => codec is not null
        ? (codec, null)
        : (null, $"{library} is not installed{(OperatingSystem.IsLinux() ? $" (apt install {package})" : string.Empty)}");

    /// <summary>The name in lower case, with the default level where a level is missing.</summary>
    private static string FullName(string text)
    {
        string name = text.ToLowerInvariant();
        if (name == Lz4Hc)
            return $"{Lz4Hc}:{DefaultHighCompressionLevel}";
        (string family, _) = Parts(name);
        return family switch
        {
            Lz4Hc when Parts(name).Level is >= Lz4Library.LowestLevel and <= Lz4Library.HighestLevel => name,
            Lzo or Snappy when name == family => name,
            not (Lz4Hc or Lzo or Snappy) => CodecNames.Parse("--codecs", name, choices: Names).Name,
            _ => throw new UserErrorException($"--codecs {Arguments.Shown(text)} is not possible; choose {Names}."),
        };
    }

    private static (string Family, int Level) Parts(string name)
    {
        string[] parts = name.Split(':', 2);
        return parts.Length == 2 && int.TryParse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int level)
            ? (parts[0], level)
            : (parts[0], 0);
    }
}

/// <summary>The codecs to compare, and those that cannot be.</summary>
internal sealed record CodecSelection(IReadOnlyList<NamedCodec> Codecs, IReadOnlyList<MissingCodec> Missing);

/// <summary>A codec whose library is not installed.</summary>
/// <param name="Codec">Its name.</param>
/// <param name="Reason">The library, and the remedy where one is known.</param>
internal sealed record MissingCodec(string Codec, string Reason);
