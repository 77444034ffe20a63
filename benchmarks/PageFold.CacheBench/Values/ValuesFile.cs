using System.Buffers.Binary;
using PageFold.Cli;

namespace PageFold.CacheBench.Values;

/// <summary>A file of values: one on each line, or, in a file with the suffix .bin, each with its length before it.</summary>
/// <remarks>
/// The length is in 4 bytes, the least significant byte first. Of either kind those of 300 to 1,000 bytes are used, each of them once.
/// </remarks>
internal static class ValuesFile
{
    private const string BinarySuffix = ".bin";

    private const int LengthBytes = sizeof(uint);

    /// <summary>Returns the full path of a file that has usable values.</summary>
    /// <exception cref="UserErrorException">There is no such file, or <see cref="Read"/> refuses it.</exception>
    public static string Check(string path)
    {
        if (!File.Exists(path))
        {
            throw new UserErrorException(
                $"--values {Arguments.Shown(path)}: there is no such file; name one with a value on each line, or a {BinarySuffix} file.");
        }
        Read(path);
        return Path.GetFullPath(path);
    }

    /// <summary>Reads the values of a file.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, ends within a value, or has none that is usable.</exception>
    public static byte[][] Read(string path)
    {
        byte[] content;
        try
        {
            content = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--values {path} cannot be read ({e.Message.TrimEnd('.')}); choose another file.", e);
        }
        bool isBinary = path.EndsWith(BinarySuffix, StringComparison.OrdinalIgnoreCase);
        IEnumerable<ReadOnlyMemory<byte>> all = isBinary ? Records(path, content) : Lines(content);
        HashSet<byte[]> seen = new(SameBytes.Instance);
        byte[][] values = [.. all.Where(value => JsonValues.IsMixed(value.Length)).Select(value => value.ToArray()).Where(seen.Add)];
        return values.Length > 0 ? values
            : throw new UserErrorException(
                $"--values {path} has no {(isBinary ? "value" : "line")} of {JsonValues.MinMixed} to {JsonValues.MaxMixed} bytes; "
                    + "choose a file with values of that size.");
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Lines(ReadOnlyMemory<byte> rest)
    {
        while (!rest.IsEmpty)
        {
            int end = rest.Span.IndexOf((byte)'\n');
            yield return (end < 0 ? rest : rest[..end]).TrimEnd((byte)'\r');
            rest = end < 0 ? default : rest[(end + 1)..];
        }
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Records(string path, ReadOnlyMemory<byte> content)
    {
        ReadOnlyMemory<byte> rest = content;
        while (!rest.IsEmpty)
        {
            int at = content.Length - rest.Length;
            if (rest.Length < LengthBytes)
                throw Torn(path, at, $"{rest.Length} of {LengthBytes} bytes of a length");
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(rest.Span);
            rest = rest[LengthBytes..];
            if (length > rest.Length)
                throw Torn(path, at, $"{rest.Length} of {length} bytes of a value");
            yield return rest[..(int)length];
            rest = rest[(int)length..];
        }
    }

    private static UserErrorException Torn(string path, int at, string what) => new(
        $"--values {path} ends with {what} that begins at byte {at}; make the file again, or drop the suffix {BinarySuffix} if its values "
            + "are lines.");

    /// <summary>Arrays are equal if their bytes are.</summary>
    private sealed class SameBytes : IEqualityComparer<byte[]>
    {
        public static SameBytes Instance { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] value)
        {
            HashCode hash = default;
            hash.AddBytes(value);
            return hash.ToHashCode();
        }
    }
}
