using PageFold.Cli.Data;

namespace PageFold.Cli.Bench;

/// <summary>Computes the compressed sizes of real pages.</summary>
internal static class CompressedSizes
{
    /// <summary>Computes the compressed size of each page in bytes, in the order of the image.</summary>
    public static int[] Of(PageImage image, PageCodec codec)
    {
        int[] sizes = new int[image.Count];
        byte[] packed = new byte[codec.MaxCompressedLength(image.PageSize)];
        using PageCodecContext context = codec.CreateContext(image.PageSize);
        for (int page = 0; page < sizes.Length; page++)
        {
            if (!context.TryCompress(image[page], packed, out sizes[page]))
                throw new InvalidOperationException($"{codec.Name} does not compress a page into its own bound.");
        }
        return sizes;
    }

    /// <summary>The store's default threshold: a page whose result is longer is stored raw.</summary>
    public static int RawAbove(int pageSize) => pageSize / 32 * 31;

    /// <summary>Computes the bytes that a store keeps of each page: pages above the default threshold are stored raw.</summary>
    public static int[] AsStored(PageImage image, PageCodec codec)
    {
        int[] sizes = Of(image, codec);
        int rawAbove = RawAbove(image.PageSize);
        for (int page = 0; page < sizes.Length; page++)
        {
            if (sizes[page] > rawAbove)
                sizes[page] = image.PageSize;
        }
        return sizes;
    }
}
