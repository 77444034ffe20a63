using System.Text;
using PageFold.Cli;
using PageFold.Documents;

namespace PageFold.CacheBench.Values;

/// <summary>JSON documents that serve as values.</summary>
internal static class JsonValues
{
    /// <summary>The fewest bytes of a document of mixed sizes.</summary>
    public const int MinMixed = 300;

    /// <summary>The most bytes of a document of mixed sizes.</summary>
    public const int MaxMixed = 1000;

    private const int MinKibibyte = 960;
    private const int MaxKibibyte = 1088;

    /// <summary>Makes arrays of orders, of about 1 KiB each.</summary>
    public static byte[][] Kibibytes(int count, int seed)
    {
        GeneratedDocuments documents = new(seed);
        List<byte[]> values = new(count);
        MemoryStream value = new();
        while (values.Count < count)
        {
            value.SetLength(0);
            do
            {
                value.WriteByte((byte)(value.Length == 0 ? '[' : ','));
                value.Write(documents.Order());
            }
            while (value.Length < MinKibibyte);
            value.WriteByte((byte)']');
            if (value.Length <= MaxKibibyte)
                values.Add(value.ToArray());
        }
        return [.. values];
    }

    /// <summary>Makes orders and sensors' readings of 300 to 1,000 bytes, in turn.</summary>
    public static byte[][] Mixed(int count, int seed)
    {
        GeneratedDocuments documents = new(seed);
        List<byte[]> values = new(count);
        while (values.Count < count)
        {
            byte[] value = values.Count % 2 == 0 ? documents.Order() : documents.Sensor();
            if (IsMixed(value.Length))
                values.Add(value);
        }
        return [.. values];
    }

    /// <summary>Reads the lines of a file that are 300 to 1,000 bytes long, each of them once.</summary>
    /// <exception cref="UserErrorException">The file cannot be read or has no such line.</exception>
    public static byte[][] Read(string path)
    {
        try
        {
            byte[][] values = [.. File.ReadLines(path, Encoding.UTF8).Distinct().Select(Encoding.UTF8.GetBytes)
                .Where(line => IsMixed(line.Length))];
            return values.Length > 0 ? values
                : throw new UserErrorException(
                    $"--values {path} has no line of {MinMixed} to {MaxMixed} bytes; choose a file with a JSON document on each line.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--values {path} cannot be read ({e.Message.TrimEnd('.')}); choose another file.", e);
        }
    }

    private static bool IsMixed(int length) => length is >= MinMixed and <= MaxMixed;
}
