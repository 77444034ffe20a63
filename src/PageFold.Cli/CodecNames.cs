using System.Globalization;

namespace PageFold.Cli;

/// <summary>A codec with the name that <c>--codec</c> takes for it.</summary>
/// <param name="Name">The name, level included where it has one, as in zstd:9 or fold:dense.</param>
/// <param name="Codec">The codec.</param>
/// <param name="Level">The number that stands in the name; null for none.</param>
internal sealed record NamedCodec(string Name, PageCodec Codec, int? Level = null)
{
    /// <summary>The name without a level that is a number, for reports that have the level elsewhere.</summary>
    public string Algorithm => Level is null ? Name : Codec.Name;

    public string Implementation => Codec.Implementation;
}

/// <summary>The names of codecs on the command line: parses them, and names a store's codecs as they are parsed.</summary>
internal static class CodecNames
{
    /// <summary>The fast level of PageFold's own codec.</summary>
    public const string Fold = "fold";

    /// <summary>Its dense level.</summary>
    public const string FoldDense = "fold:dense";

    /// <summary>The fast level for writes, and the dense one for pages that were not used for a while.</summary>
    public const string Auto = "auto";

    /// <summary>The values of an option, for help and messages.</summary>
    public const string All = "fold, fold:dense, lz4, lz4-managed, none, zstd, or zstd with a level from -7 to 22 as in zstd:9";

    /// <summary>The same for an option that also takes <see cref="Auto"/>.</summary>
    public const string AllAndAuto = $"{Auto}, {All}";

    /// <summary>The names of codecs that compress.</summary>
    public const string Compressing = "fold:dense, fold, zstd, zstd with a level from -7 to 22 as in zstd:9, lz4 or lz4-managed";

    /// <summary>The description of an option with the level apart.</summary>
    public const string LevelHelp = "Level of zstd, -7 (fastest) to 22 (densest). Default 3.";

    /// <summary>The level of zstd that is meant where none is given.</summary>
    public const int DefaultZstdLevel = 3;

    private const string Zstd = "zstd";
    private const string Fast = "fast";
    private const string Dense = "dense";

    /// <summary>Parses a name, with a level behind it or apart.</summary>
    /// <param name="option">The option, for messages.</param>
    /// <param name="text">The name, or the name and the level.</param>
    /// <param name="level">The value of <c>--level</c>; null without it.</param>
    /// <param name="choices">The values that the option takes, for messages.</param>
    public static NamedCodec Parse(string option, string text, string? level = null, string choices = All)
    {
        string[] parts = text.ToLowerInvariant().Split(':', 2);
        string family = parts[0];
        string? behind = parts.Length == 2 ? parts[1] : null;
        bool isKnown = family is Fold or Zstd or "lz4" or "lz4-managed" or "none";
        if (level is not null && family != Zstd && (isKnown || family == Auto))
        {
            string remedy = family == Fold ? $"write {option} {FoldDense} for the dense level of fold" : $"{text} has no levels";
            throw new UserErrorException($"--level {Arguments.Shown(level)} goes with {option} zstd only; {remedy}.");
        }
        if (level is not null && family == Zstd && behind is not null)
            throw new UserErrorException($"{option} {text} contains a level; leave --level {Arguments.Shown(level)} out.");
        NamedCodec? codec = (family, behind) switch
        {
            (Fold, null or Fast) => new(Fold, PageCodec.Fold()),
            (Fold, Dense) => new(FoldDense, PageCodec.Fold(FoldLevel.Dense)),
            ("lz4", null) => new(family, PageCodec.Lz4),
            ("lz4-managed", null) => new(family, PageCodec.Lz4Managed),
            ("none", null) => new(family, PageCodec.None),
            (Zstd, null) => OfZstd(level is null ? DefaultZstdLevel : Arguments.Integer("--level", level, -7, 22, "-7 to 22")),
            (Zstd, _) when int.TryParse(behind, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
                && number is >= -7 and <= 22 => OfZstd(number),
            _ => null,
        };
        if (codec is not null)
            return codec;
        string why = text.Equals(Auto, StringComparison.OrdinalIgnoreCase) ? "is for 'measure' and 'serve --codec' only"
            : !isKnown || behind is null ? "does not exist"
            : family is Fold or Zstd ? $"has no possible level ({Arguments.Shown(behind)})"
            : $"has a level ({Arguments.Shown(behind)}), which {parts[0]} does not take";
        throw new UserErrorException($"{option} {Arguments.Shown(text)} {why}; choose {choices}.");
    }

    /// <summary>Parses the name of a codec to recompress with: one that compresses.</summary>
    public static NamedCodec Denser(string option, string text)
    {
        NamedCodec codec = Parse(option, text, choices: Compressing);
        return codec.Codec != PageCodec.None
            ? codec
            : throw new UserErrorException($"{option} {Arguments.Shown(text)} compresses nothing; choose {Compressing}.");
    }

    /// <summary>True if a text is <see cref="Auto"/>.</summary>
    public static bool IsAuto(string text) => text.Equals(Auto, StringComparison.OrdinalIgnoreCase);

    /// <summary>Names a codec of a store, without a level that is a number.</summary>
    public static string Of(CodecUse use) => Of(use.Name, use.Level);

    /// <summary>Names a codec by its name and level in a store, without a level that is a number.</summary>
    public static string Of(string name, int level) => name == Fold && level == (int)FoldLevel.Dense ? FoldDense : name;

    /// <summary>Names a codec by its name and level in a store, level included.</summary>
    public static string WithLevel(string name, int level) =>
        name == Fold || level == 0 ? Of(name, level) : $"{name}:{level.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>True if it is known beforehand that a codec makes pages larger than another one does.</summary>
    public static bool IsLessDense(NamedCodec codec, NamedCodec other) => (codec.Level, other.Level) switch
    {
        ({ } level, { } higher) => level < higher,
        (null, null) => Rank(codec) < Rank(other),
        // LZ4 is the least dense; of the other pairs it depends on the data.
        (null, > 0) => Rank(codec) == 0,
        _ => false,
    };

    private static int Rank(NamedCodec codec) => codec.Name switch
    {
        FoldDense => 2,
        Fold => 1,
        "none" => -1,
        _ => 0,
    };

    /// <summary>Why a training gave no tables.</summary>
    public static string WhyNotTrained(FoldTraining training, double leastGain)
    {
        if (training.Gain is not { } gain)
            return $"there are {Figures.Count(training.Samples, "page", "pages")} to train on, fewer than {FoldTraining.MinSamples}";
        string percent = $"{Figures.Of(100 * Math.Abs(gain), "0.0")} %";
        string more = training.IsShortOfMemory
            ? "; memory is left for few samples, and tables trained on more pages may gain more" : string.Empty;
        return $"tables of their own would make the pages {percent} {(gain >= 0 ? "smaller" : "larger")} than those in use, and "
            + $"{Figures.Of(100 * leastGain, "0")} % is the least{more}";
    }

    private static NamedCodec OfZstd(int level) =>
        new($"{Zstd}:{level.ToString(CultureInfo.InvariantCulture)}", PageCodec.Zstd(level), level);
}
