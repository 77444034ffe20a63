using System.Buffers.Binary;

namespace PageFold.Caching.Coding;

/// <summary>Recognises values that are compressed already by the first bytes of their format.</summary>
/// <remarks>
/// Each mark has at least three bytes, or two that begin no text in UTF-8, so other values are hardly taken for one. Brotli and raw deflate
/// have no mark. PDF is not among them: its text often compresses.
/// </remarks>
internal static class Incompressible
{
    /// <summary>Bytes that are looked at; shorter values are not recognised.</summary>
    public const int MinLength = 16;

    private const uint Gzip = 0x088B1F;
    private const uint Jpeg = 0xFFD8FF;
    private const uint Bzip2 = 0x685A42;
    private const uint ThreeBytes = 0xFFFFFF;
    private const ushort ZlibDefault = 0x9C78;
    private const ushort ZlibBest = 0xDA78;

    private static ReadOnlySpan<byte> Bzip2Block => [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];

    /// <summary>True if the value begins as one that is compressed.</summary>
    public static bool Is(ReadOnlySpan<byte> value)
    {
        if (value.Length < MinLength)
            return false;
        uint first = BinaryPrimitives.ReadUInt32LittleEndian(value);
        if ((first & ThreeBytes) is Gzip or Jpeg || (ushort)first is ZlibDefault or ZlibBest)
            return true;
        return first switch
        {
            0xFD2FB528 => true, // zstd
            0x184D2204 => true, // LZ4 frame
            0x474E5089 => true, // PNG
            0x04034B50 => true, // zip, and what is made of it: docx, jar
            0x587A37FD => true, // xz
            0xAFBC7A37 => true, // 7z
            0x21726152 => true, // rar
            0x38464947 => true, // GIF
            0x5367674F => true, // Ogg
            0x43614C66 => true, // FLAC
            0xA3DF451A => true, // Matroska, WebM
            0x32464F77 => true, // WOFF2
            0x46464952 => value.Slice(8, 4).SequenceEqual("WEBP"u8), // RIFF
            0x000006FF => value.Slice(4, 6).SequenceEqual("sNaPpY"u8), // Snappy frame
            _ => value.Slice(4, 4).SequenceEqual("ftyp"u8) // MP4, HEIC, AVIF
                || (first & ThreeBytes) == Bzip2 && value.Slice(4, 6).SequenceEqual(Bzip2Block),
        };
    }
}
