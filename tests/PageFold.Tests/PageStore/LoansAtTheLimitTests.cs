using PageFold.Store.Index;

namespace PageFold.Tests.Store;

/// <summary>Nothing is refused for memory that is on loan, or was a moment ago.</summary>
public class LoansAtTheLimitTests
{
    private const int PageSize = 4096;
    private const int Room = 1 << 20;

    [Fact]
    public void A_write_is_tried_again_when_a_loan_has_ended_meanwhile_and_no_loan_begins_then()
    {
        WatchedCodec codec = new();
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 4 << 20, Codec = codec });
        MemoryLoans loans = store.Index.Loans;
        Assert.True(store.Index.Budget.TryCharge(Room));
        byte[] page = new byte[PageSize];
        int number = 0;
        while (Write() != StoreOutcome.Full)
            number++;
        // How often a refused write tries, once there is nothing left to compact. The last time is the last attempt.
        int attempts = 0;
        codec.Compressing = () => attempts++;
        for (int i = 0; i < 8; i++)
        {
            attempts = 0;
            Assert.Equal(StoreOutcome.Full, Write());
        }
        int seen = 0;
        MemoryLoan ends = loans.Begin(Refusal, CancellationToken.None);
        MemoryLoan kept = loans.Begin(Refusal, CancellationToken.None);
        kept.Keep();
        codec.Compressing = () =>
        {
            seen++;
            if (seen == attempts)
            {
                ends.Dispose();
                Assert.False(loans.IsAny);
            }
            else if (seen > attempts)
            {
                Assert.Throws<TimeZoneNotFoundException>(() => loans.Begin(Refusal, CancellationToken.None));
                if (seen == 2 * attempts)
                    kept.Dispose();
                else if (seen == 2 * attempts + 1)
                    store.Index.Budget.Release(Room);
            }
        };
        long refused = store.GetStatistics().RefusedWrites;
        Assert.Equal(StoreOutcome.Incompressible, Write());
        Assert.Equal((2 * attempts + 1, refused), (seen, store.GetStatistics().RefusedWrites));
        codec.Compressing = null;
        Assert.True(store.TryRead(number, page) && Pages.Holds(page, (ulong)number));
        loans.Begin(Refusal, CancellationToken.None).Dispose();
        Assert.False(loans.AreCalledIn);

        StoreOutcome Write()
        {
            Pages.Fill(page, (ulong)number);
            return store.Write(number, page);
        }
    }

    [Fact]
    public async Task Snapshots_images_and_codecs_have_the_memory_that_is_on_loan()
    {
        string folder = Directory.CreateTempSubdirectory("pagefold-loans-").FullName;
        try
        {
            using PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20, Codec = PageCodec.Lz4 });
            store.Write(1, new byte[PageSize]);
            Action[] operations =
            [
                () => store.SaveSnapshot(Path.Combine(folder, "snapshot")),
                () => store.SaveImage(Path.Combine(folder, "image"), PageSize),
                () => store.AddCodec(PageCodec.Zstd(3)),
                () => store.UseCodec(PageCodec.Fold(FoldLevel.Dense)),
                () => store.Recompress(new RecompressionOptions { Codec = PageCodec.Lz4Managed }),
            ];
            foreach (Action operation in operations)
            {
                using ManualResetEventSlim begun = new();
                Task borrower = Pages.OnItsOwnThread(() =>
                {
                    using MemoryLoan loan = store.Index.Loans.Begin(Refusal, CancellationToken.None);
                    store.Compact();
                    loan.Memory.Reserve(store.Index.Budget.Available);
                    begun.Set();
                    loan.Token.WaitHandle.WaitOne();
                });
                begun.Wait(TestContext.Current.CancellationToken);
                operation();
                Assert.False(store.Index.Loans.IsAny);
                await borrower;
            }
            // Without a loan what does not fit is refused.
            long rest = store.Index.Budget.Available;
            Assert.True(store.Index.Budget.TryCharge(rest));
            Assert.Throws<MemoryLimitException>(operations[0]);
            Assert.Throws<MemoryLimitException>(() => store.AddCodec(PageCodec.Zstd(19)));
            store.Index.Budget.Release(rest);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static TimeZoneNotFoundException Refusal() => new();

    // Compresses nothing, and tells.
    private sealed class WatchedCodec : PageCodec
    {
        public Action? Compressing { get; set; }

        public override string Name => "watched";

        public override int MaxCompressedLength(int pageSize) => pageSize;

        public override PageCodecContext CreateContext(int pageSize) => new Context(this);

        private sealed class Context(WatchedCodec codec) : PageCodecContext
        {
            public override long Bytes => 0;

            public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
            {
                codec.Compressing?.Invoke();
                written = 0;
                return false;
            }

            public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page) => false;
        }
    }
}
