using ZstdSharp.Unsafe;

namespace PageFold.Compression;

/// <summary>Trains dictionaries for Zstandard: what many pages have in common, so that each can refer to it instead of holding it.</summary>
internal static unsafe class ZstdDictionary
{
    /// <summary>Fewer samples than this say nothing about the rest.</summary>
    public const int LeastSamples = 32;

    // How long the strings are whose frequency is counted, and how many sizes of segments are tried: what Zstandard's own tool takes.
    private const int StringLength = 8;
    private const int Steps = 4;

    /// <summary>Trains by the library's fast cover algorithm; null if the samples have too little in common for a dictionary.</summary>
    /// <param name="samples">Typical pages, one behind the other.</param>
    /// <param name="pageSize">Bytes of each.</param>
    /// <param name="level">The level that pages will be compressed at.</param>
    /// <param name="bytes">Bytes of the dictionary at most.</param>
    public static byte[]? Train(ReadOnlySpan<byte> samples, int pageSize, int level, int bytes)
    {
        nuint[] sizes = new nuint[samples.Length / pageSize];
        Array.Fill(sizes, (nuint)pageSize);
        ZDICT_fastCover_params_t parameters = new() { d = StringLength, steps = Steps };
        parameters.zParams.compressionLevel = level;
        byte[] dictionary = new byte[bytes];
        nuint length;
        fixed (byte* source = samples, target = dictionary)
        fixed (nuint* lengths = sizes)
            length = Methods.ZDICT_optimizeTrainFromBuffer_fastCover(target, (nuint)bytes, source, lengths, (uint)sizes.Length, &parameters);
        return Methods.ZDICT_isError(length) ? null : dictionary[..(int)length];
    }
}
