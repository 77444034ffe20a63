using PageFold.Frames;
using PageFold.Mapping;

namespace PageFold.Tests.Mapping;

/// <summary>Straddling objects seen through two adjacent virtual pages.</summary>
public class WindowTests
{
    internal const string Reason = "Windows need 64-bit Linux and pages of 4 KiB.";
    private const int Size = 3000;

    internal static bool Possible => OperatingSystem.IsLinux() && Environment.Is64BitProcess && Environment.SystemPageSize == 4096;

    internal static void SkipUnlessPossible(MappingKind mapping) => Assert.SkipUnless(mapping == MappingKind.Copy || Possible, Reason);

    [Fact]
    public void What_is_written_through_a_window_is_in_the_object_at_once()
    {
        Assert.SkipUnless(Possible, Reason);
        using ZsPool pool = Make();
        foreach (ZsHandle handle in Straddling(pool, 20))
        {
            using ZsMap map = pool.Map(handle, MapMode.Write);
            Assert.Equal(-1, map.Span.IndexOfAnyExcept((byte)0));
            Pages.Fill(map.Span, 7);
            using ZsView view = pool.View(handle);
            Assert.True(view.Second.Length > 0);
            Assert.True(map.Span[..view.First.Length].SequenceEqual(view.First));
            Assert.True(map.Span[view.First.Length..].SequenceEqual(view.Second));
            // And the other way.
            view.Second[^1] ^= 0xFF;
            Assert.Equal(view.Second[^1], map.Span[^1]);
        }
    }

    [Fact]
    public void More_maps_than_there_are_windows_are_copies_and_right()
    {
        Assert.SkipUnless(Possible, Reason);
        using ZsPool pool = Make();
        ZsHandle[] handles = [.. Straddling(pool, 8 * Environment.ProcessorCount)];
        for (int round = 0; round < 3; round++)
            MapAll(0);

        void MapAll(int from)
        {
            if (from == handles.Length)
                return;
            using (ZsMap map = pool.Map(handles[from], MapMode.Write))
            {
                Pages.Fill(map.Span, (ulong)from);
                MapAll(from + 1);
                Assert.True(Pages.Holds(map.Span, (ulong)from));
            }
            using ZsReadMap again = pool.MapRead(handles[from]);
            Assert.True(Pages.Holds(again.Span, (ulong)from));
        }
    }

    /// <summary>The system refuses to set the first entry, the second, to clear the first, the second.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_window_that_was_refused_is_lost_and_maps_are_right_all_the_same(int refused)
    {
        Assert.SkipUnless(Possible, Reason);
        AllocationFaults faults = new();
        using ZsPool pool = Make(faults);
        ZsHandle handle = Straddling(pool, 1)[0];
        // The entry of the mapping, and its buffer, are there from the first time.
        Assert.True(IsInPlace(pool, handle, 1));
        faults.Refuse(1);
        Assert.False(IsInPlace(pool, handle, 2));
        faults.Clear();
        int windows = 4 * Environment.ProcessorCount;
        // One is lost already. The others are lost one after the other, and then there are copies only.
        for (int lost = 1; lost < windows; lost++)
        {
            faults.Refuse(refused);
            Assert.Equal(refused > 2, IsInPlace(pool, handle, (ulong)lost));
            faults.Clear();
            Assert.Equal(lost + 1 < windows, IsInPlace(pool, handle, (ulong)lost + 100));
        }
        using ZsReadMap map = pool.MapRead(handle);
        Assert.True(Pages.Holds(map.Span, (ulong)windows + 99));
    }

    /// <summary>Writes through a map; true if what is written is in the object at once.</summary>
    private static bool IsInPlace(ZsPool pool, ZsHandle handle, ulong key)
    {
        using ZsMap map = pool.Map(handle, MapMode.Write);
        Pages.Fill(map.Span, key);
        using ZsReadView view = pool.ViewRead(handle);
        return map.Span[..view.First.Length].SequenceEqual(view.First) && map.Span[view.First.Length..].SequenceEqual(view.Second);
    }

    [Fact]
    public void Mapping_allocates_nothing()
    {
        Assert.SkipUnless(Possible, Reason);
        using ZsPool pool = Make();
        ZsHandle handle = Straddling(pool, 1)[0];
        for (int i = 0; i < 1000; i++)
            pool.MapRead(handle).Dispose();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            pool.MapRead(handle).Dispose();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Releases_what_it_charged()
    {
        Assert.SkipUnless(Possible, Reason);
        ZsPool pool = Make();
        foreach (ZsHandle handle in Straddling(pool, 10))
            pool.Map(handle, MapMode.ReadWrite).Dispose();
        MemoryBudget budget = pool.Budget;
        pool.Dispose();
        Assert.InRange(budget.Used, 0, 3000);
    }

    /// <summary>A lost window still shows a page of the memory file, and must not keep the rest of it.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_lost_window_does_not_keep_the_memory_of_the_pool(int refused)
    {
        Assert.SkipUnless(Possible, Reason);
        AllocationFaults faults = new();
        ZsPool pool = Make(faults);
        ZsHandle handle = Straddling(pool, 1)[0];
        pool.MapRead(handle).Dispose();
        using FileStream file = new($"/proc/self/fd/{pool.Heap.Arena.FileDescriptor}", FileMode.Open, FileAccess.Read);
        faults.Refuse(refused);
        pool.MapRead(handle).Dispose();
        faults.Clear();
        Assert.True(file.Length > 0);
        pool.Dispose();
        Assert.Equal(0, file.Length);
    }

    [Fact]
    public void The_shipping_protocol_clears_both_before_it_flushes_everywhere()
    {
        List<string> log = [];
        Recorder port = new(log);
        Assert.True(WindowProtocol.TryMap(ref port, 3, 8));
        Assert.Equal(["take", "set 0 3", "set 1 8", "flush range"], log);
        log.Clear();
        WindowProtocol.Unmap(ref port);
        Assert.Equal(["enter lazy", "clear 0", "clear 1", "leave lazy", "flush range", "return"], log);
    }

    [Fact]
    public void Is_refused_where_it_cannot_be()
    {
        if (Possible)
        {
            Assert.Contains("FrameSize is 8192",
                Assert.Throws<PlatformNotSupportedException>(() =>
                new ZsPool(new ZsPoolOptions { Mapping = MappingKind.Window, FrameSize = 8192, MemoryLimit = 8 << 20 })).Message,
                StringComparison.Ordinal);
            Assert.Contains("Backing is Portable",
                Assert.Throws<ArgumentException>(() =>
                new ZsPool(new ZsPoolOptions { Mapping = MappingKind.Window, Backing = FrameBackingKind.Portable,
                MemoryLimit = 8 << 20 })).Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Throws<PlatformNotSupportedException>(() =>
                new ZsPool(new ZsPoolOptions { Mapping = MappingKind.Window, MemoryLimit = 8 << 20 }));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => new ZsPool(new ZsPoolOptions { Mapping = (MappingKind)2 }));
    }

    private static ZsPool Make(AllocationFaults? faults = null) =>
        new(new ZsPoolOptions { Mapping = MappingKind.Window, MemoryLimit = 32 << 20, NoNeighbours = true, Faults = faults });

    private static List<ZsHandle> Straddling(ZsPool pool, int count)
    {
        List<ZsHandle> found = [];
        while (found.Count < count)
        {
            ZsHandle handle = pool.Allocate(Size);
            using ZsReadView view = pool.ViewRead(handle);
            if (view.Second.Length > 0)
                found.Add(handle);
        }
        return found;
    }

    private readonly struct Recorder(List<string> log) : IPageTablePort
    {
        public bool TryTakeWindow()
        {
            log.Add("take");
            return true;
        }

        public void ReturnWindow() => log.Add("return");

        public void PreemptDisable() => log.Add("preempt off");

        public void PreemptEnable() => log.Add("preempt on");

        public void EnterLazyMmu() => log.Add("enter lazy");

        public void LeaveLazyMmu() => log.Add("leave lazy");

        public void Set(int page, uint frame) => log.Add($"set {page} {frame}");

        public void GetAndClear(int page) => log.Add($"clear {page}");

        public void FlushLocal(int page) => log.Add($"flush {page}");

        public void FlushRange() => log.Add("flush range");
    }
}
