using PageFold.Frames;

namespace PageFold.Tests.Store;

/// <summary>Dictionaries trained on a store's own pages, within its limit.</summary>
public class TrainingTests
{
    private const int PageSize = 4096;

    [Fact]
    public void Training_is_charged_and_gives_everything_back()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        Fill(store);
        store.ResetPeak();
        long used = store.Index.Budget.Used;
        Assert.NotNull(store.TrainDictionary(1024, level: 1));
        Assert.Equal(used, store.Index.Budget.Used);
        // The tables in which the library counts.
        Assert.InRange(store.Index.Budget.Peak - used, 10 << 20, 16 << 20);
    }

    [Fact]
    public void Without_memory_for_it_training_is_refused_and_nothing_has_changed()
    {
        AllocationFaults faults = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20, Faults = faults });
        Fill(store);
        long used = store.Index.Budget.Used;
        for (int nth = 1; nth < 3; nth++)
        {
            faults.Refuse(nth, 1000);
            string message = Assert.Throws<MemoryLimitException>(() => store.TrainDictionary(1024)).Message;
            Assert.Contains("train", message, StringComparison.Ordinal);
            Assert.Contains("discard some pages, and compact, then try again, or raise MemoryLimit, or choose a smaller", message,
                StringComparison.Ordinal);
            faults.Clear();
            Assert.Equal(used, store.Index.Budget.Used);
        }
        using PageStore small = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
        Fill(small);
        string refusal = Assert.Throws<MemoryLimitException>(() => small.TrainDictionary(1024)).Message;
        Assert.Contains("8,388,608", refusal, StringComparison.Ordinal);
        Assert.Contains("; raise MemoryLimit, or choose a smaller dictionary or a lower level.", refusal, StringComparison.Ordinal);
        Assert.True(small.Index.Budget.Peak <= 8 << 20);
        Assert.Throws<OperationCanceledException>(() => small.TrainDictionary(1024, cancellationToken: new CancellationToken(true)));
    }

    [Theory]
    [InlineData(1023, 3, "1023")]
    [InlineData((1 << 20) + 1, 3, "1048577")]
    [InlineData(1024, -8, "level -8")]
    [InlineData(1024, 23, "level 23")]
    public void A_size_or_level_that_cannot_be_is_refused(int bytes, int level, string expected)
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
        Assert.Contains(expected, Assert.Throws<ArgumentOutOfRangeException>(() => store.TrainDictionary(bytes, level)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void It_ends_by_its_caller_s_token_and_with_its_store()
    {
        Action? reading = null;
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20, Codec = new Told(() => reading?.Invoke()) });
        Fill(store);
        using CancellationTokenSource cancel = new();
        reading = cancel.Cancel;
        Assert.Equal(cancel.Token, Assert.Throws<OperationCanceledException>(
            () => store.TrainDictionary(1024, cancellationToken: cancel.Token)).CancellationToken);
        reading = () => store.Index.Loans.CallIn().Dispose();
        Assert.Contains("has ended early", Assert.Throws<MemoryLimitException>(() => store.TrainDictionary(1024)).Message,
            StringComparison.Ordinal);
        reading = store.Dispose;
        Assert.Throws<ObjectDisposedException>(() => store.TrainDictionary(1024));
        Assert.False(store.Index.Loans.IsAny);
    }

    private static void Fill(PageStore store)
    {
        byte[] page = new byte[PageSize];
        byte[] common = new byte[PageSize];
        Pages.Fill(common, 1);
        for (int number = 0; number < 100; number++)
        {
            // Pieces that all pages have, in another order each.
            Pages.Fill(page, (ulong)number);
            for (int i = 0; i < 40; i++)
                common.AsSpan((i * 31 + number) % 64 * 64, 64).CopyTo(page.AsSpan(i * 100));
            store.Write(number, page);
        }
    }

    // Of a page it keeps the first half, and tells when one is read.
    private sealed class Told(Action reading) : PageCodec
    {
        public override string Name => "told";

        public override int MaxCompressedLength(int pageSize) => pageSize;

        public override PageCodecContext CreateContext(int pageSize) => new Context(reading);

        private sealed class Context(Action reading) : PageCodecContext
        {
            public override long Bytes => 0;

            public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
            {
                written = page.Length / 2;
                page[..written].CopyTo(destination);
                return true;
            }

            public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page)
            {
                reading();
                source.CopyTo(page);
                return true;
            }
        }
    }
}
