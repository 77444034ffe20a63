using ZstdSharp.Unsafe;

namespace PageFold.Compression;

/// <summary>Trains Zstandard dictionaries: content that many pages share, to which each compressed page can refer.</summary>
internal static unsafe class ZstdDictionary
{
    /// <summary>The minimum number of samples: fewer are not representative.</summary>
    public const int MinSamples = 32;

    // The length of the strings that are counted, and the number of segment sizes that are tried: the defaults of Zstandard's own tool.
    private const int StringLength = 8;
    private const int Steps = 4;

    // The library counts strings in tables indexed by so many bits.
    private const int TableBits = 20;

    /// <summary>The maximum of bytes that training takes in addition to the samples.</summary>
    /// <remarks>
    /// The tables of the library's algorithm: the frequency of each string (4 bytes an entry, kept and copied) and its frequency in a
    /// segment (2 bytes); a few copies of the dictionary; and, to evaluate a dictionary, the digested dictionary and a context, twice.
    /// </remarks>
    public static long MaxWorkBytes(int samples, int pageSize, int level, int bytes)
    {
        const int Copies = 8;
        const int Block = 128 << 10;
        long tables = (1L << TableBits) * (4 + 4 + 2);
        long digested = (long)Methods.ZSTD_estimateCDictSize((nuint)bytes, level);
        long context = (long)Math.Max(
            Methods.ZSTD_estimateCCtxSize_usingCParams(Methods.ZSTD_getCParams(level, (ulong)pageSize, 0)),
            Methods.ZSTD_estimateCCtxSize_usingCParams(Methods.ZSTD_getCParams(level, (ulong)pageSize, (nuint)bytes)));
        return tables + Copies * (long)bytes + 2 * (digested + context) + 2 * (long)samples * sizeof(nuint) + 2 * Block;
    }

    /// <summary>Trains by the library's fast cover algorithm; null if the samples have too little in common for a dictionary.</summary>
    /// <param name="samples">Typical pages, one after the other.</param>
    /// <param name="pageSize">Bytes of each page.</param>
    /// <param name="level">The level at which pages will be compressed.</param>
    /// <param name="bytes">The maximum length of the dictionary.</param>
    public static byte[]? Train(ReadOnlySpan<byte> samples, int pageSize, int level, int bytes)
    {
        nuint[] sizes = new nuint[samples.Length / pageSize];
        Array.Fill(sizes, (nuint)pageSize);
        ZDICT_fastCover_params_t parameters = new() { d = StringLength, f = TableBits, steps = Steps };
        parameters.zParams.compressionLevel = level;
        byte[] dictionary = new byte[bytes];
        nuint length;
        fixed (byte* source = samples, target = dictionary)
        fixed (nuint* lengths = sizes)
        {
            length = Methods.ZDICT_optimizeTrainFromBuffer_fastCover(
                target, (nuint)bytes, source, lengths, (uint)sizes.Length, &parameters);
        }
        return Methods.ZDICT_isError(length) ? null : dictionary[..(int)length];
    }
}
