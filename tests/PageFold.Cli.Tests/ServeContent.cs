using System.Globalization;
using System.Text;

namespace PageFold.Cli.Tests;

/// <summary>Bytes to put on a disk that can be told from their key.</summary>
internal static class ServeContent
{
    public const int Page = 4096;

    /// <summary>Bytes that nothing can be taken from.</summary>
    public static byte[] Noise(int length, int key)
    {
        byte[] bytes = new byte[length];
        new Random(key).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Lines of a log, which have much in common with one another.</summary>
    public static byte[] Text(int length, int key)
    {
        Random random = new(key);
        StringBuilder text = new();
        while (text.Length < length)
            text.Append(CultureInfo.InvariantCulture, $"{random.Next()} GET /orders/{random.Next(100_000)} answered 200 in {random.Next(1000)} ms for customer {random.Next()}\n");
        return Encoding.ASCII.GetBytes(text.ToString(0, length));
    }

    /// <summary>A page of one repeated word.</summary>
    public static byte[] Same(byte value) => [.. Enumerable.Repeat(value, Page)];

    /// <summary>A page that says a number and cannot be mistaken for parts of two.</summary>
    public static byte[] Numbered(int number)
    {
        byte[] page = Noise(Page, number);
        BitConverter.TryWriteBytes(page, number);
        return page;
    }

    /// <summary>The number that such a page says; fails if it is not all of the page that was written. A page never written says zero.</summary>
    public static int NumberOf(byte[] page)
    {
        int number = BitConverter.ToInt32(page);
        Assert.Equal(number == 0 ? new byte[Page] : Numbered(number), page);
        return number;
    }
}
