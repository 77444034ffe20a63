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

    /// <summary>True for a size that values of mixed sizes have.</summary>
    public static bool IsMixed(int length) => length is >= MinMixed and <= MaxMixed;
}
