using System.Diagnostics.Tracing;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PageFold.Frames;

namespace PageFold.Tests.Frames;

/// <summary>What the collector finds undisposed gives its memory back, unless a span may still lead to it.</summary>
[Collection(Alone.Name)]
public unsafe class ForgottenTests
{
    public static TheoryData<FrameBackingKind> Backings() =>
        OperatingSystem.IsLinux()
            ? [FrameBackingKind.Anonymous, FrameBackingKind.SharedMemory, FrameBackingKind.Portable]
            : [FrameBackingKind.Portable];

    [Theory]
    [MemberData(nameof(Backings))]
    public void A_span_of_a_mapping_outlives_its_pool(FrameBackingKind backing) =>
        AssertStays(() => MapAndForget(new ZsPoolOptions { MemoryLimit = 1 << 20, Backing = backing }, size: 1000, dispose: false));

    [Theory]
    [MemberData(nameof(Backings))]
    public void A_span_of_a_straddling_object_outlives_its_pool(FrameBackingKind backing) =>
        AssertStays(() => MapAndForget(
            new ZsPoolOptions { MemoryLimit = 1 << 20, Backing = backing, NoNeighbours = backing != FrameBackingKind.Portable },
            size: 2500,
            dispose: false));

    [Fact]
    public void A_span_of_a_window_outlives_its_pool()
    {
        Mapping.WindowTests.SkipUnlessPossible(MappingKind.Window);
        AssertStays(() => MapAndForget(
            new ZsPoolOptions { MemoryLimit = 1 << 20, Mapping = MappingKind.Window, NoNeighbours = true },
            size: 2500,
            dispose: false));
    }

    [Fact]
    public void A_span_outlives_a_pool_that_was_disposed_while_it_was_mapped() =>
        AssertStays(() => MapAndForget(new ZsPoolOptions { MemoryLimit = 1 << 20 }, size: 1000, dispose: true));

    [Theory]
    [MemberData(nameof(Backings))]
    public void A_span_of_a_frame_outlives_its_arena(FrameBackingKind backing) => AssertStays(() => TakeFrameAndForget(backing));

    [Theory]
    [MemberData(nameof(Backings))]
    public void What_has_nothing_mapped_gives_its_memory_back(FrameBackingKind backing)
    {
        foreach (Func<(WeakReference, string?)> forget in (Func<(WeakReference, string?)>[])
            [() => UsePoolAndForget(backing), () => UseStoreAndForget(backing), () => UseArenaAndForget(backing)])
        {
            using Leaks leaks = new();
            (WeakReference reference, string? mapping) = forget();
            AwaitCollection(reference);
            Assert.Empty(leaks.Bytes);
            if (backing != FrameBackingKind.Portable)
                Assert.DoesNotContain(mapping, Mappings());
        }
    }

    [Fact]
    public void What_was_kept_aside_for_a_snapshot_that_was_begun_goes_with_the_store()
    {
        using Leaks leaks = new();
        MemoryBudget reserve = Begin(out WeakReference store);
        AwaitCollection(store);
        Assert.Equal(0, reserve.BlockCount);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static MemoryBudget Begin(out WeakReference reference)
        {
            PageStore store = new(new PageStoreOptions { MemoryLimit = 2 << 20, SnapshotReserve = SnapshotOptions.ReserveBytes(4096, 1) });
            _ = store.BeginSnapshotTo(new Nowhere());
            Assert.NotEqual(0, store.Saver.Reserve!.BlockCount);
            reference = new WeakReference(store);
            return store.Saver.Reserve;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_finalizer_that_still_calls_what_was_collected_with_it_is_refused(bool arenaAlone)
    {
        Latecomer.Exceptions.Clear();
        WeakReference reference = Forget(arenaAlone);
        AwaitCollection(reference);
        Assert.True(SpinWait.SpinUntil(() => !Latecomer.Exceptions.IsEmpty, TimeSpan.FromSeconds(60)));
        // It may also have been the first; then everything was still as before.
        Assert.All(Latecomer.Exceptions, exception => Assert.True(exception is null or ObjectDisposedException, $"{exception}"));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Forget(bool arenaAlone)
        {
            ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 1 << 20 });
            ZsHandle handle = pool.Allocate(100);
            FrameArena arena = new(new FrameArenaOptions { MemoryLimit = 1 << 20 });
            Assert.True(arena.TryAllocate(out uint frame));
            arena.Free(frame);
            // Several, so that the order in which they are found differs.
            for (int i = 0; i < 8; i++)
                _ = new Latecomer(arenaAlone ? () => arena.TryAllocate(out _) : () => pool.Write(handle, 0, [1]));
            return new WeakReference(arenaAlone ? arena : pool, trackResurrection: false);
        }
    }

    /// <summary>Forgets an owner of a span and sees that the span stays usable, and that the event says how much stays.</summary>
    private static void AssertStays(Func<(WeakReference, nint)> forget)
    {
        using Leaks leaks = new();
        (WeakReference reference, nint address) = forget();
        AwaitCollection(reference);
        Assert.True(!OperatingSystem.IsLinux() || MappingOf(address) is not null, "the memory behind a span is gone");
        Span<byte> span = new((void*)address, 1000);
        Assert.True(Pages.Holds(span, 1));
        span.Fill(2);
        Assert.False(span.ContainsAnyExcept((byte)2));
        Assert.Single(leaks.Bytes);
        Assert.InRange(leaks.Bytes[0], 4096, 1 << 20);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference, nint) MapAndForget(ZsPoolOptions options, int size, bool dispose)
    {
        ZsPool pool = new(options);
        ZsHandle[] handles = [.. Enumerable.Range(0, 20).Select(_ => pool.Allocate(size))];
        Span<byte> span = pool.Map(handles[1], MapMode.ReadWrite).Span;
        Pages.Fill(span[..1000], 1);
        if (dispose)
            pool.Dispose();
        return (new WeakReference(pool), AddressOf(span));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference, nint) TakeFrameAndForget(FrameBackingKind backing)
    {
        FrameArena arena = new(new FrameArenaOptions { MemoryLimit = 1 << 20, Backing = backing });
        Assert.True(arena.TryAllocate(out uint frame));
        Span<byte> span = arena.GetSpan(frame);
        Pages.Fill(span[..1000], 1);
        return (new WeakReference(arena), AddressOf(span));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference, string?) UsePoolAndForget(FrameBackingKind backing)
    {
        ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 64 << 20, Backing = backing });
        ZsHandle[] handles = [.. Enumerable.Range(0, 2000).Select(_ => pool.Allocate(2500))];
        using ZsMap map = pool.Map(handles[1], MapMode.Write);
        using ZsView view = pool.View(handles[0]);
        return (new WeakReference(pool), MappingOf(AddressOf(view.First)));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference, string?) UseStoreAndForget(FrameBackingKind backing)
    {
        PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20, Backing = backing, Codec = PageCodec.None });
        byte[] page = new byte[4096];
        for (int i = 0; i < 2000; i++)
        {
            Pages.Fill(page, (ulong)i);
            store.Write(i, page);
        }
        return (new WeakReference(store), MappingOf((nint)store.Index.Slots.Find(0)));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (WeakReference, string?) UseArenaAndForget(FrameBackingKind backing)
    {
        FrameArena arena = new(new FrameArenaOptions { MemoryLimit = 64 << 20, Backing = backing });
        Assert.True(arena.TryAllocate(out uint frame));
        string? mapping = MappingOf(AddressOf(arena.GetSpan(frame)));
        arena.Free(frame);
        return (new WeakReference(arena), mapping);
    }

    private static void AwaitCollection(WeakReference reference)
    {
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return !reference.IsAlive;
            },
            TimeSpan.FromSeconds(60)));
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private static nint AddressOf(Span<byte> span) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(span));

    /// <summary>
    /// The range of the process's address space that holds an address; null where none does, or the system does not tell.
    /// </summary>
    private static string? MappingOf(nint address) => Mappings().FirstOrDefault(range =>
    {
        string[] ends = range.Split('-');
        return ulong.Parse(ends[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture) <= (ulong)address
            && (ulong)address < ulong.Parse(ends[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    });

    private static IEnumerable<string> Mappings() =>
        OperatingSystem.IsLinux() ? File.ReadAllLines("/proc/self/maps").Select(line => line.Split(' ')[0]) : [];

    /// <summary>Hears what stays for ever.</summary>
    private sealed class Leaks : EventListener
    {
        public Leaks()
        {
            // What other tests have forgotten is none of these.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Bytes.Clear();
        }

        public List<long> Bytes { get; } = [];

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "PageFold")
                EnableEvents(eventSource, EventLevel.Warning);
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventName == "MemoryLeaked")
                Bytes.Add((long)eventData.Payload![0]!);
        }
    }

    private sealed class Latecomer(Action call)
    {
        public static System.Collections.Concurrent.ConcurrentBag<Exception?> Exceptions { get; } = [];

        ~Latecomer() => Exceptions.Add(Record.Exception(call));
    }

    private sealed class Nowhere : SnapshotOutput
    {
        public override void Write(long offset, ReadOnlySpan<byte> bytes)
        {
        }

        public override void Complete(CancellationToken cancellationToken)
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
