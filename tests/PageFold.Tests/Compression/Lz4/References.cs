using System.Runtime.InteropServices;
using K4os.Compression.LZ4;
using PageFold.Interop;

namespace PageFold.Tests.Compression.Lz4;

/// <summary>Other encoders and decoders of LZ4 blocks: K4os.Compression.LZ4, and the system's liblz4 where there is one.</summary>
internal static unsafe class References
{
    private static readonly nint Library = LibLz4.Instance is not null && OperatingSystem.IsLinux() ? NativeLibrary.Load("liblz4.so.1") : 0;

    public static bool HasLibrary => Library != 0;

    public static string Reason => "the system has no liblz4";

    public static byte[] Encode(ReadOnlySpan<byte> text, LZ4Level level = LZ4Level.L00_FAST)
    {
        byte[] block = new byte[LZ4Codec.MaximumOutputSize(text.Length)];
        return block[..LZ4Codec.Encode(text, block, level)];
    }

    public static byte[]? Decode(ReadOnlySpan<byte> block, int length, ReadOnlySpan<byte> dictionary)
    {
        byte[] text = new byte[length];
        int decoded = dictionary.IsEmpty ? LZ4Codec.Decode(block, text) : LZ4Codec.Decode(block, text, dictionary);
        return decoded == length ? text : null;
    }

    public static byte[] EncodeByLibrary(ReadOnlySpan<byte> text, ReadOnlySpan<byte> dictionary)
    {
        byte[] block = new byte[LZ4Codec.MaximumOutputSize(text.Length)];
        void* stream = ((delegate* unmanaged[Cdecl]<void*>)Export("LZ4_createStream"))();
        fixed (byte* from = text, to = block, before = dictionary)
        {
            if (!dictionary.IsEmpty)
                _ = ((delegate* unmanaged[Cdecl]<void*, byte*, int, int>)Export("LZ4_loadDict"))(stream, before, dictionary.Length);
            int written = ((delegate* unmanaged[Cdecl]<void*, byte*, byte*, int, int, int, int>)Export("LZ4_compress_fast_continue"))(
                stream, from, to, text.Length, block.Length, 1);
            _ = ((delegate* unmanaged[Cdecl]<void*, int>)Export("LZ4_freeStream"))(stream);
            Assert.InRange(written, 1, block.Length);
            return block[..written];
        }
    }

    public static byte[]? DecodeByLibrary(ReadOnlySpan<byte> block, int length, ReadOnlySpan<byte> dictionary)
    {
        byte[] text = new byte[length];
        fixed (byte* from = block, to = text, before = dictionary)
        {
            int decoded = ((delegate* unmanaged[Cdecl]<byte*, byte*, int, int, byte*, int, int>)Export("LZ4_decompress_safe_usingDict"))(
                from, to, block.Length, length, before, dictionary.Length);
            return decoded == length ? text : null;
        }
    }

    private static nint Export(string name) => NativeLibrary.GetExport(Library, name);
}
