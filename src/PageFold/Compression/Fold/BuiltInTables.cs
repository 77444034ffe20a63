using System.Globalization;

namespace PageFold.Compression.Fold;

/// <summary>The tables that come with the library, trained on files and on the memory of processes by eng/tables.sh.</summary>
/// <remarks>Each set is read when it is first needed, and kept.</remarks>
internal static class BuiltInTables
{
    private static readonly Lazy<FoldTables>[] Sets = [Make(4 << 10), Make(16 << 10), Make(64 << 10)];
    private static readonly int[] Lengths = [4 << 10, 16 << 10, 64 << 10];

    /// <summary>Returns the set for texts of up to a length.</summary>
    /// <param name="length">1 to 65,536.</param>
    public static FoldTables For(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, FoldCodec.MaxPageSize);
        return Sets[Array.FindIndex(Lengths, most => length <= most)].Value;
    }

    /// <summary>Returns the set with an identity; null if no set has it.</summary>
    public static FoldTables? Find(ulong identity) =>
        Array.Find(Sets, set => set.Value.Definition.Identity == identity)?.Value;

    private static Lazy<FoldTables> Make(int length) => new(() =>
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{length}.tables");
        using Stream stream = typeof(BuiltInTables).Assembly.GetManifestResourceStream(name)!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return new FoldTables(FoldDefinition.TryRead(bytes)!);
    });
}
