using ZstdSharp;

namespace PageFold.Compression;

/// <summary>Trains dictionaries for Zstandard: what many pages have in common, so that each can refer to it instead of holding it.</summary>
internal static class ZstdDictionary
{
    /// <summary>Fewer samples than this say nothing about the rest.</summary>
    public const int LeastSamples = 32;

    /// <summary>Trains; null if the samples have too little in common for a dictionary.</summary>
    /// <param name="samples">Typical pages.</param>
    /// <param name="level">The level that pages will be compressed at.</param>
    /// <param name="bytes">Bytes of the dictionary at most.</param>
    public static byte[]? Train(IReadOnlyList<byte[]> samples, int level, int bytes)
    {
        try
        {
            return DictBuilder.TrainFromBufferFastCover(samples, level, bytes).ToArray();
        }
        catch (ZstdException)
        {
            return null;
        }
    }
}
