using PageFold.Compression.Fold;
using PageFold.Compression.Paths;

namespace PageFold.Tests.Compression.Fold;

/// <summary>The codecs of the tests: each path, each level, and tables of several kinds.</summary>
internal static class FoldSubjects
{
    public const string BuiltIn = "built-in";
    public const string Crude = "crude";

    private static readonly Dictionary<string, FoldTables?> Made = [];

    /// <summary>
    /// Tables by name: the built-in ones; those of 4 KiB with dictionaries of so many bytes; and such that have two boxes and one literal
    /// table, so that nearly every match costs more than its bytes.
    /// </summary>
    public static readonly string[] TableNames = [BuiltIn, "1", "7", "1000", "20000", "65535", "65536", Crude];

    public static readonly FoldLevel[] Levels = [FoldLevel.Fast, FoldLevel.Dense];

    /// <summary>The paths that this processor has.</summary>
    public static InstructionPath[] Paths { get; } = [.. Enum.GetValues<InstructionPath>().Where(InstructionPaths.Supports)];

    public static FoldTables? Tables(string name)
    {
        lock (Made)
        {
            if (!Made.TryGetValue(name, out FoldTables? tables))
                Made[name] = tables = Make(name);
            return tables;
        }
    }

    public static ReadOnlySpan<byte> Dictionary(string tables) =>
        Tables(tables) is { } own ? own.Definition.Dictionary.Span : default;

    public static FoldCodec Codec(FoldLevel level, string tables, InstructionPath path) => new(level, Tables(tables), path);

    private static FoldTables? Make(string name)
    {
        FoldDefinition definition = BuiltInTables.For(4096).Definition;
        switch (name)
        {
            case BuiltIn:
                return null;
            case Crude:
                Box wide = new(0, Box.MaxBits, Box.MinMatch, Box.MaxBits - 1, 0, Box.MaxBits, 0, IsRepeat: false);
                Box repeat = wide with { DistanceBits = 0, IsRepeat = true };
                byte[] uniform = new byte[PrefixCode.Symbols];
                uniform.AsSpan().Fill(8);
                return new FoldTables(FoldDefinition.TryMake(
                    4096, [.. Enumerable.Range(0, FoldTables.Boxes).Select(i => i % 2 == 0 ? wide : repeat)], [uniform], [], default)!);
            default:
                byte[] dictionary = new byte[int.Parse(name)];
                Contents.Fill(dictionary, Array.IndexOf(Contents.Kinds, "mixture"), 1, default);
                return new FoldTables(FoldDefinition.TryMake(
                    definition.Length, definition.Boxes, definition.LiteralLengths, definition.TokenLengths, dictionary)!);
        }
    }
}
