using System.Globalization;
using System.Text;

namespace PageFold.CacheBench.Values;

/// <summary>The keys of values, made from numbers.</summary>
internal static class KeyText
{
    /// <summary>Bytes of a key in UTF-8.</summary>
    public const int Length = 17;

    private const string Prefix = "order:";

    /// <summary>Makes the key of a number.</summary>
    public static string Of(int number) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number:00000000000}");

    /// <summary>Makes the key in UTF-8 of the same key as text.</summary>
    public static ReadOnlySpan<byte> Utf8(string key, Span<byte> buffer) => buffer[..Encoding.UTF8.GetBytes(key, buffer)];
}
