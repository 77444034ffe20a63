using PageFold.Cli.Data;

namespace PageFold.Cli.Bench.Store;

/// <summary>A <see cref="PageStore"/>, used through its public API.</summary>
internal sealed class PageStoreSubject(PageImage image, NamedCodec codec, bool hugePages) : Subject(PageFold, codec.Algorithm)
{
    private readonly PageStore _store =
        new(new PageStoreOptions { PageSize = image.PageSize, Codec = codec.Codec, HugePages = hugePages });

    public override (long Compressed, long Total) Memory
    {
        get
        {
            PageStoreStatistics statistics = _store.GetStatistics();
            return (statistics.CompressedBytes, statistics.TotalBytes);
        }
    }

    public override SubjectWorker CreateWorker() => new Worker(image, _store);

    protected override void Dispose(bool disposing)
    {
        _store.Dispose();
        base.Dispose(disposing);
    }

    private sealed class Worker(PageImage image, PageStore store) : SubjectWorker
    {
        private readonly byte[] _page = GC.AllocateArray<byte>(image.PageSize, pinned: true);

        public override ReadOnlySpan<byte> LastRead => _page;

        public override void Write(ReadOnlySpan<int> places, ReadOnlySpan<int> contents)
        {
            for (int i = 0; i < places.Length; i++)
            {
                if (store.Write(places[i], image[contents[i]]) == StoreOutcome.Full)
                {
                    throw new UserErrorException(
                        $"a store of {ByteSize.Format(store.MemoryLimit)} is full; choose less data with --sample.");
                }
            }
        }

        public override void Read(ReadOnlySpan<int> places, ReadOnlySpan<int> contents)
        {
            foreach (int place in places)
            {
                if (!store.TryRead(place, _page))
                    throw new InvalidOperationException($"Page {place} is not there.");
            }
        }
    }
}
