using PageFold.Allocation;
using PageFold.Frames;

namespace PageFold.Tests.Allocation;

/// <summary>Places for descriptors, of several lengths, that come and go.</summary>
public unsafe class ZspageTableTests
{
    [Theory]
    [InlineData(4096)]
    [InlineData(65536)]
    public void Descriptors_keep_their_bytes_while_others_come_and_go_and_all_frames_go_back(int frameSize)
    {
        using FrameArena arena = new(new FrameArenaOptions { FrameSize = frameSize, MemoryLimit = 64 << 20 });
        ZspageTable table = new(arena);
        Gen.Int[1, 14].Array[1, 400].Sample(lengths =>
        {
            Dictionary<uint, (int Lines, byte Mark)> live = [];
            Random random = new(lengths.Length);
            foreach (int lines in lengths)
            {
                Assert.True(table.TryAdd(lines, ReserveUse.None, out uint zspage));
                byte mark = (byte)random.Next(256);
                Bytes(table, zspage, lines).Fill(mark);
                Assert.True(live.TryAdd(zspage, (lines, mark)));
                if (random.Next(3) == 0)
                    Remove(arena, table, live, live.Keys.ElementAt(random.Next(live.Count)));
            }
            foreach (uint zspage in live.Keys.ToArray())
                Remove(arena, table, live, zspage);
            Assert.Equal(0, arena.FramesInUse);
        }, iter: 100, threads: 1);
        table.Free();
    }

    [Fact]
    public void A_refusal_at_any_point_changes_nothing()
    {
        AllocationFaults faults = new();
        using FrameArena arena = new(new FrameArenaOptions { MemoryLimit = 64 << 20, Faults = faults });
        ZspageTable table = new(arena);
        for (int nth = 1; nth < 20; nth++)
        {
            long frames = arena.FramesInUse;
            faults.Refuse(nth);
            bool added = table.TryAdd(1 + nth % 13, ReserveUse.None, out uint zspage);
            faults.Clear();
            if (!added)
            {
                Assert.Equal(frames, arena.FramesInUse);
                Assert.True(table.TryAdd(1 + nth % 13, ReserveUse.None, out zspage));
            }
            Bytes(table, zspage, 1 + nth % 13).Fill(1);
        }
        table.Free();
    }

    private static Span<byte> Bytes(ZspageTable table, uint zspage, int lines) => new(table.At(zspage), lines * ZspageTable.LineBytes);

    private static void Remove(FrameArena arena, ZspageTable table, Dictionary<uint, (int Lines, byte Mark)> live, uint zspage)
    {
        (int lines, byte mark) = live[zspage];
        Assert.False(Bytes(table, zspage, lines).ContainsAnyExcept(mark));
        FrameBag freed = new(stackalloc uint[1]);
        table.Remove(zspage, ref freed);
        freed.FreeAll(arena);
        live.Remove(zspage);
    }
}
