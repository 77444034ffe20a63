using PageFold.Frames;

namespace PageFold.Tests.Store;

/// <summary>
/// What codecs that others bring along say of their memory, and what they throw: the limit holds whatever they say, and a store keeps
/// what is not theirs.
/// </summary>
public class CodecClaimTests
{
    private const int PageSize = 4096;

    [Fact]
    public void Shared_bytes_that_grow_never_make_the_limit_give_way()
    {
        const long Limit = 16 << 20;
        using PageStore store = new(new PageStoreOptions { MemoryLimit = Limit });
        for (int i = 0; i < 40; i++)
        {
            GrowingCodec codec = new() { Label = $"growing{i}" };
            store.AddCodec(codec);
            // Later still: what the store charged is what it gives back.
            codec.Shared = 12 << 20;
        }
        byte[] page = new byte[PageSize];
        int stored = 0;
        for (Pages.Fill(page, 0); store.Write(stored, page) != StoreOutcome.Full; Pages.Fill(page, (ulong)stored))
            stored++;
        PageStoreStatistics statistics = store.GetStatistics();
        Assert.InRange(statistics.PoolBytes, 1, Limit);
        Assert.InRange(statistics.TotalBytes, 3 << 20, Limit);
    }

    [Fact]
    public void What_the_first_context_brings_into_being_is_charged_too()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20 });
        long before = store.Index.Budget.Used;
        store.AddCodec(new GrowingCodec());
        Assert.Equal(before + GrowingCodec.Grown, store.Index.Budget.Used);
        using PageStore other = new(new PageStoreOptions { MemoryLimit = 16 << 20, Codec = new GrowingCodec() });
        Assert.InRange(other.Index.Budget.Used, GrowingCodec.Grown, 16 << 20);
        Assert.Throws<MemoryLimitException>(() => other.AddCodec(new GrowingCodec { Grows = 16 << 20 }));
    }

    [Fact]
    public void Everything_comes_back_however_claims_change()
    {
        Gen.Select(Gen.Long[-1, 6 << 20].Array[1, 12], Gen.Int[0, 3].Array[1, 12]).Sample((claims, ends) =>
        {
            PageStore store = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
            MemoryBudget budget = store.Index.Budget;
            foreach ((long claim, int end) in claims.Zip(ends))
            {
                ClaimingCodec codec = new() { Shared = claim, Context = claim / 4, Throws = end == 3 };
                try
                {
                    int number = store.AddCodec(codec);
                    if (end == 1)
                        store.RetireCodec(number);
                }
                catch (Exception e) when (e is MemoryLimitException or ArgumentException or InvalidTimeZoneException)
                {
                    // Refused for what it says, or throws.
                }
                codec.Shared = claims[0];
                Assert.InRange(budget.Used, 0, 8 << 20);
            }
            store.Dispose();
            Assert.Equal(0, budget.Used);
        }, iter: 100, threads: 1);
    }

    [Theory]
    [InlineData("SharedBytes", -1)]
    [InlineData("SharedBytes", long.MinValue)]
    [InlineData("a context's Bytes", -1)]
    [InlineData("a context's Bytes", long.MinValue)]
    public void A_negative_claim_is_refused_by_name_and_nothing_is_charged(string what, long bytes)
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
        long used = store.Index.Budget.Used;
        ClaimingCodec codec = what == "SharedBytes" ? new() { Shared = bytes } : new() { Context = bytes };
        AssertRefused<ArgumentException>(() => store.AddCodec(codec), "claiming", what, $"{bytes:N0}");
        Assert.Equal(used, store.Index.Budget.Used);
        AssertRefused<ArgumentException>(() => new PageStore(new PageStoreOptions { MemoryLimit = 8 << 20, Codec = codec }).Dispose(),
            "claiming", what);
    }

    [Theory]
    [InlineData("SharedBytes")]
    [InlineData("a context's Bytes")]
    [InlineData("MaxCompressedLength")]
    public void A_claim_beyond_the_limit_is_refused_by_its_own_name(string what)
    {
        foreach (long bytes in (long[])[int.MaxValue - 1, int.MaxValue, long.MaxValue - 1, long.MaxValue])
        {
            ClaimingCodec codec = what switch
            {
                "SharedBytes" => new() { Shared = bytes },
                "MaxCompressedLength" => new() { Most = (int)Math.Min(bytes, int.MaxValue) },
                _ => new() { Context = bytes },
            };
            AssertRefused<ArgumentException>(() =>
                new PageStore(new PageStoreOptions { MemoryLimit = 8 << 20, Codec = codec }).Dispose(), "claiming", what, "8,388,608");
            if (what == "MaxCompressedLength")
                continue;
            using PageStore store = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
            long used = store.Index.Budget.Used;
            AssertRefused<MemoryLimitException>(() => store.AddCodec(codec), "claiming", $"{bytes:N0}",
                "choose a codec that takes less, or raise MemoryLimit.");
            Assert.Equal(used, store.Index.Budget.Used);
            Assert.Equal(StoreOutcome.Stored,
                store.Write(1, new byte[PageSize / 8].SelectMany((_, i) => BitConverter.GetBytes(i / 3L)).ToArray()));
        }
        AssertRefused<ArgumentException>(() =>
            new PageStore(new PageStoreOptions { MemoryLimit = 8 << 20, Codec = new ClaimingCodec { Most = -5 } }).Dispose(),
                "MaxCompressedLength", "-5");
    }

    [Fact]
    public void A_first_codec_that_does_not_fit_is_refused_whenever_it_claims_too_much()
    {
        const int Limit = 8 << 20;
        // Within the limit, and not within what the owner leaves.
        AssertRefused<ArgumentOutOfRangeException>(
            () => new PageStore(new PageStoreOptions
            {
                MemoryLimit = Limit,
                OwnerBytes = 6 << 20,
                Codec = new ClaimingCodec { Shared = 4 << 20 },
            }).Dispose(), "MemoryLimit");
        // More than the limit, once there is a context.
        ClaimingCodec? growing = null;
        growing = new ClaimingCodec { Shared = 1 << 20, CreationCalls = () => growing!.Shared = Limit + 1 };
        AssertRefused<ArgumentException>(
            () => new PageStore(new PageStoreOptions { MemoryLimit = Limit, Codec = growing }).Dispose(), "SharedBytes", "8,388,609");
    }

    [Fact]
    public void Owner_bytes_beyond_the_limit_are_refused_by_their_own_name()
    {
        foreach (long bytes in (long[])[(8 << 20) + 1, int.MaxValue, long.MaxValue])
            AssertRefused<ArgumentOutOfRangeException>(() =>
                new PageStore(new PageStoreOptions { MemoryLimit = 8 << 20, OwnerBytes = bytes }).Dispose(), "OwnerBytes",
                    $"{bytes:N0}", "8,388,608");
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
        Assert.False(store.TrySetOwnerBytes(long.MaxValue));
        Assert.True(store.TrySetOwnerBytes(1 << 20));
    }

    [Fact]
    public void A_codec_that_makes_no_more_contexts_whatever_it_throws_lets_readers_and_writers_wait_for_what_there_is()
    {
        foreach (Exception thrown in (Exception[])[new InvalidTimeZoneException(), new OutOfMemoryException(), new FormatException()])
        {
            ClaimingCodec codec = new() { MaxContexts = 1, Thrown = thrown };
            using PageStore store = new(new PageStoreOptions { MemoryLimit = 8 << 20, Codec = codec });
            long used = store.Index.Budget.Used;
            Crew.OnThreads(8, thread =>
            {
                byte[] page = new byte[PageSize];
                byte[] read = new byte[PageSize];
                for (int i = 0; i < 100; i++)
                {
                    Pages.Fill(page, (ulong)i);
                    Assert.Equal(StoreOutcome.Incompressible, store.Write(thread, page));
                    Assert.True(store.TryRead(thread, read));
                    Assert.Equal(page, read);
                }
            });
            store.Discard(0, 8);
            store.Compact();
            Assert.InRange(store.Index.Budget.Used, 0, used + (256 << 10));
        }
        // The caller who brings it along is told.
        Assert.Throws<InvalidTimeZoneException>(() =>
            new PageStore(new PageStoreOptions { MemoryLimit = 8 << 20,
                Codec = new ClaimingCodec { MaxContexts = 0, Thrown = new InvalidTimeZoneException() } }).Dispose());
        using PageStore plain = new(new PageStoreOptions { MemoryLimit = 8 << 20 });
        long before = plain.Index.Budget.Used;
        Assert.Throws<InvalidTimeZoneException>(() =>
            plain.UseCodec(new ClaimingCodec { Shared = 1 << 20, MaxContexts = 0, Thrown = new InvalidTimeZoneException() }));
        AssertRefused<ArgumentException>(() => plain.UseCodec(new ClaimingCodec { MakesNone = true }), "CreateContext");
        Assert.Equal(before, plain.Index.Budget.Used);
        Assert.Single(plain.Codecs);
    }

    public static TheoryData<Type> Thrown() => [typeof(FormatException), typeof(OutOfMemoryException)];

    [Theory]
    [MemberData(nameof(Thrown))]
    public void A_thread_for_which_no_context_can_be_made_waits_for_the_one_there_is(Type thrown)
    {
        ManualResetEventSlim refused = new();
        bool isHeld = false;
        int made = 0;
        ClaimingCodec codec = new()
        {
            MaxContexts = 1,
            Thrown = (Exception)Activator.CreateInstance(thrown)!,
            CreationCalls = () =>
            {
                if (Interlocked.Increment(ref made) > 1)
                    refused.Set();
            },
        };
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 8 << 20, Codec = codec });
        long used = store.Index.Budget.Used;
        byte[] page = new byte[PageSize];
        Pages.Fill(page, 1);
        using ManualResetEventSlim holds = new();
        codec.Calls = () =>
        {
            // The first write keeps the only context until the second has been refused one.
            if (Interlocked.Exchange(ref isHeld, true))
                return;
            holds.Set();
            Assert.True(refused.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        };
        Task first = Pages.OnItsOwnThread(() => store.Write(1, page));
        holds.Wait(TestContext.Current.CancellationToken);
        Assert.Equal(StoreOutcome.Incompressible, store.Write(2, page));
        first.Wait(TestContext.Current.CancellationToken);
        Assert.True(refused.IsSet);
        byte[] read = new byte[PageSize];
        foreach (long number in (long[])[1, 2])
        {
            Assert.True(store.TryRead(number, read));
            Assert.Equal(page, read);
        }
        store.Discard(0, 3);
        store.Compact();
        Assert.InRange(store.Index.Budget.Used, 0, used + (256 << 10));
        refused.Dispose();
    }

    [Fact]
    public void A_context_whose_disposal_throws_leaves_nothing_charged()
    {
        PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20 });
        MemoryBudget budget = store.Index.Budget;
        long used = budget.Used;
        ClaimingCodec codec = new() { Context = 1 << 20, DisposeThrows = true };
        int number = store.AddCodec(codec);
        Assert.True(store.RetireCodec(number).IsRetired);
        Assert.Equal(used, budget.Used);
        store.UseCodec(codec);
        store.Dispose();
        Assert.Equal(0, budget.Used);
    }

    [Fact]
    public void What_a_codec_throws_reaches_the_caller_and_nothing_else_changes()
    {
        ClaimingCodec codec = new() { Compresses = true };
        PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20, Codec = codec });
        MemoryBudget budget = store.Index.Budget;
        byte[] page = Half(1);
        Assert.Equal(StoreOutcome.Stored, store.Write(1, page));
        store.AddCodec(PageCodec.Lz4);
        codec.Throws = true;
        for (int i = 0; i < 50; i++)
        {
            Assert.Throws<InvalidTimeZoneException>(() => store.TryRead(1, new byte[PageSize]));
            Assert.Throws<InvalidTimeZoneException>(() => store.Write(1, Half(2)));
            Assert.Throws<InvalidTimeZoneException>(() => store.Recompress(new RecompressionOptions { Codec = PageCodec.Zstd(1) }));
        }
        store.UseCodec(PageCodec.Lz4);
        Assert.Throws<InvalidTimeZoneException>(() => store.RetireCodec(0));
        codec.Throws = false;
        byte[] read = new byte[PageSize];
        Assert.True(store.TryRead(1, read));
        Assert.Equal(page, read);
        Assert.True(store.RetireCodec(0).IsRetired);
        Assert.True(store.TryRead(1, read));
        Assert.Equal(page, read);
        store.Dispose();
        Assert.Equal(0, budget.Used);
    }

    [Fact]
    public void A_codec_that_calls_its_own_store_is_refused_instead_of_waiting_for_itself()
    {
        ClaimingCodec codec = new() { Compresses = true };
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 16 << 20, Codec = codec });
        using PageStore other = new(new PageStoreOptions { MemoryLimit = 16 << 20 });
        Assert.Equal(StoreOutcome.Stored, store.Write(1, Half(1)));
        byte[] read = new byte[PageSize];
        foreach (Action call in (Action[])
        [
            () => store.Write(1, Half(2)),
            () => store.TryRead(1, read),
            () => store.Discard(1),
            () => store.AddCodec(PageCodec.Zstd(1)),
            () => store.Recompress(new RecompressionOptions { Codec = PageCodec.Zstd(1) }),
            () => store.BeginSnapshot(Path.GetTempFileName()).Dispose(),
            () => store.SaveImage(Path.GetTempFileName(), 1),
        ])
        {
            codec.Calls = call;
            Assert.Contains("codec calls", Assert.Throws<InvalidOperationException>(() => store.TryRead(1, new byte[PageSize])).Message,
                StringComparison.Ordinal);
            Assert.Contains("codec calls", Assert.Throws<InvalidOperationException>(() => store.Write(2, Half(3))).Message,
                StringComparison.Ordinal);
        }
        // Another store, and what waits for nothing, may be asked.
        codec.Calls = () =>
        {
            other.Write(1, Half(9));
            Assert.True(other.TryRead(1, read));
            Assert.Equal(1, store.GetStatistics().Pages);
            Assert.True(store.Contains(1));
        };
        Assert.True(store.TryRead(1, new byte[PageSize]));
        // While contexts are made for a store, that store takes in no other codec.
        codec.Calls = null;
        ClaimingCodec nested = new() { CreationCalls = () => store.AddCodec(PageCodec.Zstd(2)) };
        Assert.Contains("codec calls", Assert.Throws<InvalidOperationException>(() => store.AddCodec(nested)).Message,
            StringComparison.Ordinal);
        Assert.Single(store.Codecs);
        Assert.True(store.TryRead(1, read));
        Assert.Equal(Half(1), read);
    }

    private static void AssertRefused<T>(Action action, params string[] parts)
        where T : Exception
    {
        string message = Assert.ThrowsAny<T>(action).Message;
        Assert.All(parts, part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    private static byte[] Half(int key)
    {
        byte[] page = new byte[PageSize];
        Pages.FillCompressible(page, (ulong)key, 0.4);
        return page;
    }

    /// <summary>A codec whose shared bytes come into being with its first context, and grow later.</summary>
    private sealed class GrowingCodec : PageCodec
    {
        public const long Grown = 4 << 20;

        public string Label { get; init; } = "growing";

        public override string Name => Label;

        public long Grows { get; init; } = Grown;

        public long Shared { get; set; }

        public override long SharedBytes => Shared;

        public override int MaxCompressedLength(int pageSize) => pageSize;

        public override PageCodecContext CreateContext(int pageSize)
        {
            Shared = Math.Max(Shared, Grows);
            return None.CreateContext(pageSize);
        }
    }

    /// <summary>LZ4 that says and throws what it is told to.</summary>
    private sealed class ClaimingCodec : PageCodec
    {
        private int _made;

        public long Shared { get; set; }

        public long Context { get; init; }

        public int? Most { get; init; }

        public int MaxContexts { get; init; } = int.MaxValue;

        public Exception? Thrown { get; init; }

        public bool MakesNone { get; init; }

        public bool DisposeThrows { get; init; }

        public bool Compresses { get; init; }

        public bool Throws { get; set; }

        public Action? Calls { get; set; }

        public Action? CreationCalls { get; init; }

        public override string Name => "claiming";

        public override long SharedBytes => Shared;

        public override int MaxCompressedLength(int pageSize) => Most ?? pageSize;

        public override PageCodecContext CreateContext(int pageSize)
        {
            CreationCalls?.Invoke();
            if (Interlocked.Increment(ref _made) > MaxContexts)
                throw Thrown!;
            return MakesNone ? null! : new Claiming(this, Lz4Managed.CreateContext(pageSize));
        }

        private sealed class Claiming(ClaimingCodec codec, PageCodecContext inner) : PageCodecContext
        {
            public override long Bytes => codec.Context;

            public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
            {
                Act();
                written = 0;
                return codec.Compresses && inner.TryCompress(page, destination, out written);
            }

            public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page)
            {
                Act();
                return inner.TryDecompress(source, page);
            }

            protected override void Dispose(bool disposing)
            {
                base.Dispose(disposing);
                if (codec.DisposeThrows && disposing)
                    throw new InvalidTimeZoneException();
            }

            private void Act()
            {
                if (codec.Throws)
                    throw new InvalidTimeZoneException();
                codec.Calls?.Invoke();
            }
        }
    }
}
