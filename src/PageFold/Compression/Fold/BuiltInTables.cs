using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;

namespace PageFold.Compression.Fold;

/// <summary>The tables that come with the library, trained on files and on the memory of processes by eng/tables.sh.</summary>
/// <remarks>Each set is read when it is first needed, and kept.</remarks>
internal static class BuiltInTables
{
    /// <summary>Bytes of <see cref="Description"/>.</summary>
    public const int DescriptionBytes = sizeof(ulong);

    private static readonly int[] Lengths = [4 << 10, 16 << 10, 64 << 10];
    private static readonly Lazy<FoldTables>[] Sets = [.. Lengths.Select(Make)];

    /// <summary>
    /// What describes a codec with these tables, in place of the tables: a hash of their identities, so that a library with other tables
    /// does not take them for its own.
    /// </summary>
    public static ReadOnlyMemory<byte> Description { get; } = Describe();

    /// <summary>Returns the set for texts of up to a length.</summary>
    /// <param name="length">1 to 65,536.</param>
    public static FoldTables For(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, FoldCodec.MaxPageSize);
        return Sets[Array.FindIndex(Lengths, most => length <= most)].Value;
    }

    private static byte[] Describe()
    {
        byte[] identities = new byte[Lengths.Length * sizeof(ulong)];
        for (int i = 0; i < Lengths.Length; i++)
            Read(Lengths[i]).AsSpan()[^sizeof(ulong)..].CopyTo(identities.AsSpan(i * sizeof(ulong)));
        byte[] description = new byte[DescriptionBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(description, XxHash3.HashToUInt64(identities));
        return description;
    }

    private static Lazy<FoldTables> Make(int length) => new(() => new FoldTables(FoldDefinition.TryRead(Read(length))!));

    private static byte[] Read(int length)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{length}.tables");
        using Stream stream = typeof(BuiltInTables).Assembly.GetManifestResourceStream(name)!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
