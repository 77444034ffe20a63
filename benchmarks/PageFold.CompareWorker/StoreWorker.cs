namespace PageFold.CompareWorker;

/// <summary>
/// A page store of one version of the library, behind types that all versions share. It uses only members that versions to compare have.
/// </summary>
public static class StoreWorker
{
    /// <summary>Makes a store that writes pages of an image, and reads them to a buffer.</summary>
    /// <param name="image">The pages, one after the other.</param>
    /// <param name="pageSize">Bytes in a page.</param>
    /// <param name="codec"><c>lz4</c>, <c>zstd</c> or <c>none</c>.</param>
    /// <returns>
    /// To write: places, and by how many pages the image is shifted against them. To read: places. To end: nothing. All but the last may be
    /// called by several threads.
    /// </returns>
    public static (Action<int[], int> Write, Action<int[]> Read, Action End) Create(byte[] image, int pageSize, string codec)
    {
        ArgumentNullException.ThrowIfNull(image);
#pragma warning disable CA2000 // The caller disposes it by the last delegate.
        PageStore store = new(new PageStoreOptions
        {
            PageSize = pageSize,
            Codec = codec switch { "none" => PageCodec.None, "zstd" => PageCodec.Zstd(1), _ => PageCodec.Lz4 },
        });
#pragma warning restore CA2000
        int pages = image.Length / pageSize;
        return (Write, Read, store.Dispose);

        void Write(int[] places, int shift)
        {
            foreach (int place in places)
            {
                if (store.Write(place, image.AsSpan((place + shift) % pages * pageSize, pageSize)) == StoreOutcome.Full)
                    throw new InvalidOperationException("The store is full; take less data.");
            }
        }

        void Read(int[] places)
        {
            byte[] page = new byte[pageSize];
            foreach (int place in places)
            {
                if (!store.TryRead(place, page))
                    throw new InvalidOperationException($"Page {place} is gone.");
            }
        }
    }
}
