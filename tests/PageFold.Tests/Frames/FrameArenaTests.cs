using System.Collections.Concurrent;
using PageFold.Frames;
using PageFold.Interop;

namespace PageFold.Tests.Frames;

public class FrameArenaTests
{
    public static TheoryData<FrameBackingKind, int> BackingsAndFrameSizes()
    {
        TheoryData<FrameBackingKind, int> data = [];
        FrameBackingKind[] kinds = OperatingSystem.IsLinux()
            ? [FrameBackingKind.Anonymous, FrameBackingKind.SharedMemory, FrameBackingKind.Portable]
            : [FrameBackingKind.Portable];
        foreach (FrameBackingKind kind in kinds)
        {
            foreach (int size in (int[])[4096, 8192, 16384, 32768, 65536])
                data.Add(kind, size);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(BackingsAndFrameSizes))]
    public void Hands_out_distinct_frames_that_keep_their_content(FrameBackingKind backing, int frameSize)
    {
        using FrameArena arena = Make(backing, frameSize, 400L * frameSize);
        List<uint> frames = [];
        while (arena.TryAllocate(out uint frame))
        {
            Pages.Fill(arena.GetSpan(frame), frame);
            frames.Add(frame);
        }
        Assert.Equal(frames.Count, frames.Distinct().Count());
        Assert.InRange(frames.Count, 380, 400);
        Assert.All(frames, frame => Assert.True(Pages.Holds(arena.GetSpan(frame), frame)));
        Assert.Equal(frames.Count, arena.FramesInUse);
    }

    [Theory]
    [MemberData(nameof(BackingsAndFrameSizes))]
    public void Never_holds_more_than_its_limit_and_reaches_it_when_asked(FrameBackingKind backing, int frameSize)
    {
        long limit = 333L * frameSize + 777;
        using FrameArena arena = Make(backing, frameSize, limit);
        Random random = new(7);
        List<uint> frames = [];
        long most = 0;
        for (int i = 0; i < 20_000; i++)
        {
            if (random.Next(100) < 55 && arena.TryAllocate(out uint frame))
            {
                frames.Add(frame);
            }
            else if (frames.Count > 0)
            {
                int chosen = random.Next(frames.Count);
                arena.Free(frames[chosen]);
                frames[chosen] = frames[^1];
                frames.RemoveAt(frames.Count - 1);
            }
            most = Math.Max(most, arena.Budget.Used);
            Assert.True(arena.Budget.Used <= limit);
            Assert.True(arena.CommittedBytes <= limit);
        }
        Assert.True(most > limit - 20 * frameSize, $"{most} of {limit}");
    }

    [Theory]
    [MemberData(nameof(BackingsAndFrameSizes))]
    public void Gives_everything_back_when_all_frames_are_freed_and_trimmed(FrameBackingKind backing, int frameSize)
    {
        using FrameArena arena = Make(backing, frameSize, 600L * frameSize);
        List<uint> frames = [];
        for (int i = 0; i < 500; i++)
        {
            Assert.True(arena.TryAllocate(out uint frame));
            arena.GetSpan(frame).Fill(1);
            frames.Add(frame);
        }
        long full = arena.MeasureResidentBytes();
        Assert.InRange(full, 500L * frameSize, 520L * frameSize);
        foreach (uint frame in frames)
            arena.Free(frame);
        // By itself nearly all, with hysteresis; all when trimmed.
        Assert.InRange(arena.CommittedBytes, 0, 20L * frameSize);
        arena.Trim();
        Assert.Equal(0, arena.CommittedBytes);
        Assert.Equal(0, arena.MeasureResidentBytes());
        Assert.Equal(0, arena.FramesInUse);
    }

    [Fact]
    public void Uses_frames_again_without_a_system_call_below_the_mark()
    {
        using FrameArena arena = Make(FrameBackingKind.Default, 4096, 1 << 20);
        Assert.True(arena.TryAllocate(out uint frame));
        arena.GetSpan(frame).Fill(9);
        arena.Free(frame);
        Assert.True(arena.TryAllocate(FrameArena.NoFrame, out uint again));
        Assert.Equal(frame, again);
        Assert.True(arena.GetSpan(again).IndexOfAnyExcept((byte)9) < 0, "the frame went back to the system");
    }

    [Fact]
    public void What_was_not_needed_for_a_while_goes_back_and_what_is_needed_again_stays()
    {
        using FrameArena arena = Make(FrameBackingKind.Default, 4096, 64 << 20);
        int asked = 0;
        arena.DeferUpkeep(() => asked++);
        uint[] frames = new uint[8000];
        for (int i = 0; i < frames.Length; i++)
            Assert.True(arena.TryAllocate(out frames[i]));
        // Breathing: 300 frames come and go, less than a sixteenth, and no memory moves.
        long committed = arena.CommittedBytes;
        for (int breath = 0; breath < 20; breath++)
        {
            for (int i = 0; i < 300; i++)
                arena.Free(frames[i]);
            arena.Decay();
            for (int i = 0; i < 300; i++)
                Assert.True(arena.TryAllocate(out frames[i]));
        }
        Assert.Equal(committed, arena.CommittedBytes);
        Assert.True(asked > 0);
        // And then no breath any more: after two looks, a while apart, only the mark is left.
        for (int i = 0; i < 300; i++)
            arena.Free(frames[i]);
        long until = Environment.TickCount64 + 20_000;
        while (arena.Decay() && Environment.TickCount64 < until)
            Task.Delay(50).Wait();
        Assert.InRange(arena.CommittedBytes - arena.FramesInUse * 4096, 0, 20 * 4096);
        // Many at once do not wait.
        for (int i = 300; i < frames.Length; i++)
            arena.Free(frames[i]);
        Assert.InRange(arena.CommittedBytes, 0, 1000 * 4096);
    }

    [Fact]
    public void Gives_a_wanted_neighbour_only_if_it_happens_to_be_free()
    {
        using FrameArena arena = Make(FrameBackingKind.Default, 4096, 1 << 20);
        uint[] frames = [.. Enumerable.Range(0, 8).Select(_ => arena.TryAllocate(out uint frame) ? frame : uint.MaxValue)];
        arena.Free(frames[3]);
        arena.Free(frames[5]);
        Assert.True(arena.TryAllocate(frames[5], out uint wanted));
        Assert.Equal(frames[5], wanted);
        Assert.True(arena.TryAllocate(frames[6], out uint other));
        Assert.Equal(frames[3], other);
    }

    [Fact]
    public void Without_neighbours_hands_out_frames_that_never_touch()
    {
        using FrameArena arena = new(new FrameArenaOptions { MemoryLimit = 1 << 20, NoNeighbours = true });
        List<uint> frames = [];
        while (arena.TryAllocate(frames.Count > 0 ? frames[^1] + 1 : FrameArena.NoFrame, out uint frame))
            frames.Add(frame);
        Assert.True(frames.Count > 240);
        frames.Sort();
        Assert.All(frames.Zip(frames.Skip(1)), pair => Assert.True(pair.Second - pair.First >= 2));
    }

    [Fact]
    public void Refuses_a_frame_that_is_not_in_use()
    {
        using FrameArena arena = Make(FrameBackingKind.Default, 4096, 1 << 20);
        Assert.True(arena.TryAllocate(out uint frame));
        arena.Free(frame);
        Assert.Throws<ArgumentException>(() => arena.Free(frame));
        Assert.Throws<ArgumentException>(() => arena.Free(12345));
        Assert.Throws<ArgumentException>(() => { arena.GetSpan(frame); });
        Assert.Equal(0, arena.FramesInUse);
    }

    [Fact]
    public void Refuses_a_second_free_while_the_frame_is_on_its_way_back()
    {
        using FrameArena arena = Make(FrameBackingKind.Default, 4096, 64 << 20);
        Crew.OnThreads(4, thread =>
        {
            uint[] frames = new uint[400];
            for (int round = 0; round < 100; round++)
            {
                for (int i = 0; i < frames.Length; i++)
                    Assert.True(arena.TryAllocate(FrameArena.NoFrame, out frames[i]));
                foreach (uint frame in frames)
                    arena.Free(frame);
            }
        });
        Assert.Equal(0, arena.FramesInUse);
        // Each frame, in whatever state it is now, is refused.
        for (uint frame = 0; frame < 2000; frame++)
            Assert.Throws<ArgumentException>(() => arena.Free(frame));
        Assert.Equal(0, arena.FramesInUse);
    }

    [Fact]
    public void A_frame_shows_no_earlier_content()
    {
        using FrameArena arena = Make(FrameBackingKind.Default, 4096, 1 << 20);
        for (int i = 0; i < 10; i++)
        {
            Assert.True(arena.TryAllocate(out uint frame));
            Assert.True(arena.GetSpan(frame).IndexOfAnyExcept((byte)0) < 0);
            arena.GetSpan(frame).Fill(0xAB);
            arena.Free(frame);
        }
    }

    [Fact]
    public void The_reserve_is_for_those_who_may_use_it_and_is_made_up_first()
    {
        using FrameArena arena = Make(FrameBackingKind.Default, 4096, 1 << 20);
        arena.Reserve(4);
        List<uint> frames = [];
        while (arena.TryAllocate(FrameArena.NoFrame, ReserveUse.None, out uint frame))
            frames.Add(frame);
        Assert.True(arena.TryAllocate(FrameArena.NoFrame, ReserveUse.Replacement, out _));
        Assert.True(arena.TryAllocate(FrameArena.NoFrame, ReserveUse.Replacement, out _));
        Assert.False(arena.TryAllocate(FrameArena.NoFrame, ReserveUse.Replacement, out _));
        Assert.True(arena.TryAllocate(FrameArena.NoFrame, ReserveUse.Compaction, out _));
        Assert.True(arena.TryAllocate(FrameArena.NoFrame, ReserveUse.Compaction, out _));
        Assert.False(arena.TryAllocate(FrameArena.NoFrame, ReserveUse.Compaction, out _));
        for (int i = 0; i < 4; i++)
            arena.Free(frames[i]);
        Assert.False(arena.TryAllocate(FrameArena.NoFrame, ReserveUse.None, out _));
        arena.Free(frames[4]);
        Assert.True(arena.TryAllocate(FrameArena.NoFrame, ReserveUse.None, out _));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_system_that_has_no_memory_refuses_a_frame_and_nothing_is_held_for_it(bool hugePages)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Frames are in a file in memory on Linux only.");
        const int FrameSize = 4096;
        const int Limit = 8 << 20;
        using FrameArena arena = new(new FrameArenaOptions
        {
            Backing = FrameBackingKind.SharedMemory, FrameSize = FrameSize, MemoryLimit = Limit, HugePages = hugePages,
        });
        List<uint> frames = [];
        for (int i = 0; i < 100; i++)
            Take();
        long used = arena.Budget.Used;
        // A file that ends earlier has no page for the frames behind its end, as a system without memory has none.
        SetFileLength((frames.Max() + 1L) * FrameSize);
        int more = 0;
        while (arena.TryAllocate(out uint frame))
        {
            Assert.InRange(frame, 0u, frames[..100].Max());
            frames.Add(frame);
            more++;
        }
        Assert.InRange(more, 0, 100);
        Assert.Equal(100 + more, arena.FramesInUse);
        Assert.InRange(arena.Budget.Used, used, used + (long)more * FrameSize);
        Assert.False(arena.TryAllocate(out _));
        SetFileLength(Limit);
        while (frames.Count < 1000)
            Take();
        Assert.Equal(frames.Count, frames.Distinct().Count());
        Assert.All(frames[..100], frame => Assert.True(Pages.Holds(arena.GetSpan(frame), frame)));
        Assert.All(frames[^800..], frame => Assert.True(Pages.Holds(arena.GetSpan(frame), frame)));

        void SetFileLength(long bytes) =>
            Assert.Equal(0, OperatingSystem.IsLinux() ? LibC.ftruncate(arena.FileDescriptor, bytes) : -1);

        void Take()
        {
            Assert.True(arena.TryAllocate(out uint frame));
            Pages.Fill(arena.GetSpan(frame), frame);
            frames.Add(frame);
        }
    }

    [Fact]
    public void Refuses_the_request_that_a_fault_names_and_only_that()
    {
        AllocationFaults faults = new();
        using FrameArena arena = new(new FrameArenaOptions { MemoryLimit = 1 << 20, Faults = faults });
        faults.Refuse(3);
        Assert.True(arena.TryAllocate(out _));
        Assert.True(arena.TryAllocate(out _));
        Assert.False(arena.TryAllocate(out _));
        Assert.True(arena.TryAllocate(out _));
    }

    [Fact]
    public void Threads_never_hold_the_same_frame()
    {
        using FrameArena arena = Make(FrameBackingKind.Default, 4096, 64 << 20);
        ConcurrentDictionary<uint, int> owners = new();
        ConcurrentDictionary<uint, int> first = new();
        int verified = 0;
        int passedOn = 0;
        Crew.OnThreads(8, thread =>
        {
            Random random = new(thread);
            List<uint> mine = [];
            for (int i = 0; i < 20_000; i++)
            {
                if (random.Next(100) < 55 && mine.Count < 1500 && arena.TryAllocate(out uint frame))
                {
                    Assert.True(owners.TryAdd(frame, thread), $"frame {frame} has two owners");
                    if (first.GetOrAdd(frame, thread) != thread)
                        Interlocked.Increment(ref passedOn);
                    Pages.Fill(arena.GetSpan(frame), (ulong)(thread << 20) + frame);
                    mine.Add(frame);
                }
                else if (mine.Count > 0)
                {
                    int chosen = random.Next(mine.Count);
                    Assert.True(Pages.Holds(arena.GetSpan(mine[chosen]), (ulong)(thread << 20) + mine[chosen]));
                    Interlocked.Increment(ref verified);
                    owners.TryRemove(mine[chosen], out _);
                    arena.Free(mine[chosen]);
                    mine.RemoveAt(chosen);
                }
            }
        });
        Assert.Equal(owners.Count, arena.FramesInUse);
        Assert.True(verified > 8 * 5000 && passedOn > 1000, $"{verified} frames verified, {passedOn} passed from one thread to another");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2048)]
    [InlineData(5000)]
    [InlineData(131072)]
    public void Names_the_option_the_value_and_the_remedy_when_the_frame_size_is_wrong(int frameSize)
    {
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() =>
            new FrameArena(new FrameArenaOptions { FrameSize = frameSize }));
        Assert.Contains($"FrameSize is {frameSize}", error.Message, StringComparison.Ordinal);
        Assert.Contains("choose", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_the_limit_when_it_is_too_small_for_one_frame()
    {
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => Make(FrameBackingKind.Default, 4096, 4095));
        Assert.Contains("4,095 bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Linux_backings_say_elsewhere_why_they_do_not_work()
    {
        if (OperatingSystem.IsLinux())
        {
            using FrameArena arena = Make(FrameBackingKind.SharedMemory, 4096, 1 << 20);
            Assert.True(arena.TryAllocate(out _));
            return;
        }
        Assert.Contains("Linux", Assert.Throws<PlatformNotSupportedException>(() => Make(FrameBackingKind.SharedMemory, 4096,
            1 << 20)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cannot_be_used_after_dispose()
    {
        FrameArena arena = Make(FrameBackingKind.Default, 4096, 1 << 20);
        arena.Dispose();
        arena.Dispose();
        Assert.Throws<ObjectDisposedException>(() => arena.TryAllocate(out _));
        Assert.Throws<ObjectDisposedException>(() => arena.Trim());
        Assert.Equal(0, arena.Budget.Used);
    }

    [Fact]
    public void An_allocation_at_the_limit_waits_for_frames_that_are_on_their_way_back()
    {
        AllocationFaults faults = new();
        using FrameArena arena = new(new FrameArenaOptions { MemoryLimit = 1 << 20, Faults = faults });
        arena.DeferUpkeep(static () => { });
        List<uint> frames = [];
        while (arena.TryAllocate(out uint frame))
            frames.Add(frame);
        // So few that the thread that frees them gives none back at once.
        frames[..40].ForEach(arena.Free);
        using ManualResetEventSlim inTransit = new();
        using ManualResetEventSlim goOn = new();
        faults.InTransit = () =>
        {
            inTransit.Set();
            goOn.Wait(TestContext.Current.CancellationToken);
        };
        Task trimming = Pages.OnItsOwnThread(() => arena.Trim());
        inTransit.Wait(TestContext.Current.CancellationToken);
        // None is free now, and all of them are charged.
        bool allocated = false;
        Thread allocating = new(() => allocated = arena.TryAllocate(out _));
        allocating.Start();
        Crew.AwaitSleep(allocating);
        faults.InTransit = null;
        goOn.Set();
        allocating.Join();
        Assert.True(allocated, "an allocation was refused though all memory was free");
        trimming.Wait(TestContext.Current.CancellationToken);
    }

    private static FrameArena Make(FrameBackingKind backing, int frameSize, long limit) =>
        new(new FrameArenaOptions { Backing = backing, FrameSize = frameSize, MemoryLimit = limit });
}
