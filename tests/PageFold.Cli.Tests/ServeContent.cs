using System.Globalization;
using System.Text;

namespace PageFold.Cli.Tests;

/// <summary>Content for a disk that its key identifies.</summary>
internal static class ServeContent
{
    public const int Page = 4096;

    /// <summary>Makes bytes that do not compress.</summary>
    public static byte[] Noise(int length, int key)
    {
        byte[] bytes = new byte[length];
        new Random(key).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Makes lines of a log, which resemble one another.</summary>
    public static byte[] Text(int length, int key)
    {
        Random random = new(key);
        StringBuilder text = new();
        while (text.Length < length)
        {
            text.Append(CultureInfo.InvariantCulture, $"{random.Next()} GET /orders/{random.Next(100_000)} ");
            text.Append(CultureInfo.InvariantCulture, $"answered 200 in {random.Next(1000)} ms for customer {random.Next()}\n");
        }
        return Encoding.ASCII.GetBytes(text.ToString(0, length));
    }

    /// <summary>Makes sixteen values that are rare elsewhere, and now and then what was there 24 bytes before.</summary>
    public static byte[] Letters(int length, int key)
    {
        Random random = new(key);
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
            bytes[i] = i > 24 && i % 24 < 7 ? bytes[i - 24] : (byte)(0xE0 + random.Next(16));
        return bytes;
    }

    /// <summary>Makes a page of one repeated word.</summary>
    public static byte[] Same(byte value) => [.. Enumerable.Repeat(value, Page)];

    /// <summary>Makes a page of a number that cannot be mistaken for parts of two pages.</summary>
    public static byte[] Numbered(int number)
    {
        byte[] page = Noise(Page, number);
        BitConverter.TryWriteBytes(page, number);
        return page;
    }

    /// <summary>Reads the number of such a page, zero for one never written; fails if parts of several pages are mixed.</summary>
    public static int NumberOf(byte[] page)
    {
        int number = BitConverter.ToInt32(page);
        Assert.Equal(number == 0 ? new byte[Page] : Numbered(number), page);
        return number;
    }
}
