using System.Globalization;

namespace PageFold.Compression.Fold;

/// <summary>The tables that come with the library, trained on files and on the memory of processes by eng/tables.sh.</summary>
/// <remarks>
/// Each set is read when it is first needed, and kept. Another version of the library may have other sets: what is kept longer than a
/// process says which set it needs with the set's definition.
/// </remarks>
internal static class BuiltInTables
{
    private static readonly int[] Lengths = [4 << 10, 16 << 10, 64 << 10];
    private static readonly Lazy<ReadOnlyMemory<byte>>[] Definitions =
        [.. Lengths.Select(length => new Lazy<ReadOnlyMemory<byte>>(() => Read(length)))];

    private static readonly Lazy<FoldTables>[] Sets =
        [.. Definitions.Select(bytes => new Lazy<FoldTables>(() => new FoldTables(FoldDefinition.TryRead(bytes.Value)!)))];

    /// <summary>Returns the set for texts of up to a length.</summary>
    /// <param name="length">1 to 65,536.</param>
    public static FoldTables For(int length) => Sets[NumberFor(length)].Value;

    /// <summary>Returns the definition of the set for texts of up to a length.</summary>
    /// <param name="length">1 to 65,536.</param>
    public static ReadOnlyMemory<byte> DefinitionFor(int length) => Definitions[NumberFor(length)].Value;

    /// <summary>True if a definition is that of one of these sets.</summary>
    public static bool Contain(ReadOnlySpan<byte> definition)
    {
        foreach (Lazy<ReadOnlyMemory<byte>> bytes in Definitions)
        {
            if (definition.SequenceEqual(bytes.Value.Span))
                return true;
        }
        return false;
    }

    private static int NumberFor(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, FoldCodec.MaxPageSize);
        return Array.FindIndex(Lengths, most => length <= most);
    }

    private static ReadOnlyMemory<byte> Read(int length)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{length}.tables");
        using Stream stream = typeof(BuiltInTables).Assembly.GetManifestResourceStream(name)!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
