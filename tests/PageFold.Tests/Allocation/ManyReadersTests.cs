using PageFold.Allocation;

namespace PageFold.Tests.Allocation;

/// <summary>One object that many threads use at once: readers wait for a place, mappings leave them some.</summary>
public class ManyReadersTests
{
    [Fact]
    public unsafe void A_reader_waits_for_a_place_instead_of_being_refused()
    {
        using ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 4 << 20 });
        ZsHandle handle = pool.Allocate("content"u8);
        Action[] uses =
        [
            () => Read(pool, handle),
            () => pool.Write(handle, 0, "content"u8),
            () => pool.SizeOf(handle),
            () => pool.MapRead(handle).Dispose(),
        ];
        foreach (Action use in uses)
        {
            Assert.True(pool.Handles.TryFind(handle, out ulong* slot, out _));
            for (int i = 0; i < SlotWord.MaxReaders; i++)
                Assert.Equal(SharedOutcome.Acquired, SlotWord.TryAcquireShared(ref *slot, out _));
            Exception? refusal = null;
            Thread thread = new(() => refusal = Record.Exception(use)) { IsBackground = true };
            thread.Start();
            // A thread that waits for longer sleeps in between; one that is refused ends.
            SpinWait.SpinUntil(() => (thread.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0);
            for (int i = 0; i < SlotWord.MaxReaders; i++)
                SlotWord.ReleaseShared(ref *slot);
            thread.Join();
            Assert.Null(refusal);
        }
    }

    [Fact]
    public void More_threads_than_places_read_whole_contents()
    {
        using ZsPool pool = new(new ZsPoolOptions { FrameSize = 65536, MemoryLimit = 16 << 20 });
        ZsHandle hot = pool.Allocate(65000);
        byte[] content = new byte[65000];
        Pages.Fill(content, 1);
        pool.Write(hot, 0, content);
        int wrong = 0;
        Thread[] threads = [.. Enumerable.Range(0, 2 * SlotWord.MaxReaders).Select(_ => new Thread(
            () =>
            {
                byte[] read = new byte[65000];
                for (int i = 0; i < 20; i++)
                {
                    if (Record.Exception(() => pool.Read(hot, 0, read)) is not null || !Pages.Holds(read, 1))
                        Interlocked.Increment(ref wrong);
                }
            },
            maxStackSize: 256 << 10))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Equal(0, wrong);
        pool.Free(hot);
    }

    [Theory]
    [InlineData(MappingKind.Copy)]
    [InlineData(MappingKind.Window)]
    public void Mappings_of_many_threads_never_pass_the_most_there_can_be_and_reach_it(MappingKind mapping)
    {
        Mapping.WindowTests.SkipUnlessPossible(mapping);
        using ZsPool pool = new(new ZsPoolOptions { Mapping = mapping, MemoryLimit = 16 << 20, NoNeighbours = true });
        ZsHandle[] handles = [.. Enumerable.Range(0, 2).Select(_ => pool.Allocate(2500))];
        int open = 0;
        int most = 0;
        int unexpected = 0;
        using Barrier together = new(ZsPool.MaxMappings + 16);
        Thread[] threads = [.. Enumerable.Range(0, ZsPool.MaxMappings + 16).Select(number => new Thread(
            () =>
            {
                Random random = new(number);
                for (int round = 0; round < 30; round++)
                {
                    together.SignalAndWait();
                    Exception? refusal = Record.Exception(() => Map(random.Next(2) == 0));
                    if (refusal is not null and not InvalidOperationException)
                        Interlocked.Increment(ref unexpected);
                }
            },
            maxStackSize: 256 << 10))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Equal(0, unexpected);
        Assert.Equal(ZsPool.MaxMappings, most);
        pool.Free(handles[0]);
        pool.Free(handles[1]);

        void Map(bool view)
        {
            // Every mapping is held until each thread has tried: so all that can be open are.
            bool mapped = false;
            try
            {
                if (view)
                {
                    using ZsReadView shown = pool.ViewRead(handles[1]);
                    Hold(out mapped);
                }
                else
                {
                    using ZsReadMap map = pool.MapRead(handles[1]);
                    Hold(out mapped);
                }
            }
            finally
            {
                if (!mapped)
                    together.SignalAndWait();
            }
        }

        void Hold(out bool mapped)
        {
            mapped = true;
            int now = Interlocked.Increment(ref open);
            int before = Volatile.Read(ref most);
            while (now > before)
                before = Math.Max(now, Interlocked.CompareExchange(ref most, now, before) is var seen && seen == before ? now : seen);
            together.SignalAndWait();
            Interlocked.Decrement(ref open);
        }
    }

    private static void Read(ZsPool pool, ZsHandle handle)
    {
        byte[] read = new byte[7];
        pool.Read(handle, 0, read);
        Assert.Equal("content"u8.ToArray(), read);
    }
}
