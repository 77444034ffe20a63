using PageFold.Allocation;

namespace PageFold.Tests.Allocation;

public class ZspageGeometryTests
{
    public static TheoryData<int, int> FrameSizesAndChains()
    {
        TheoryData<int, int> data = [];
        foreach (int frame in (int[])[4096, 8192, 16384, 32768, 65536])
        {
            foreach (int chain in (int[])[1, 2, 3, 8, 16, 64])
                data.Add(frame, chain);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(FrameSizesAndChains))]
    public void Every_size_has_a_class_that_holds_it_and_wastes_little(int frameSize, int chain)
    {
        SizeClasses table = SizeClasses.For(frameSize, chain);
        int before = -1;
        for (int size = 1; size <= frameSize; size++)
        {
            int number = table.IndexFor(size);
            Assert.True(table.Geometries[number].ObjectSize >= size);
            Assert.True(number >= before);
            before = number;
            // Rounded up by less than two steps, or by more where a smaller place would not let more objects into the chain.
            int step = frameSize / 256;
            int stride = Math.Min(frameSize, Math.Max(2, (size + 8 + step - 1) / step) * step);
            ZspageGeometry own = ZspageGeometry.For(frameSize, stride, chain);
            ZspageGeometry shared = table.Geometries[number];
            Assert.True(shared.Stride - size - 8 < 2 * step || (own.Frames, own.Objects) == (shared.Frames, shared.Objects), $"{size} lies in {shared.ObjectSize}");
        }
    }

    [Theory]
    [MemberData(nameof(FrameSizesAndChains))]
    public void Objects_lie_side_by_side_within_the_chain_and_in_at_most_two_frames(int frameSize, int chain)
    {
        foreach (ZspageGeometry geometry in SizeClasses.For(frameSize, chain).Geometries)
        {
            Assert.True(geometry.DescriptorLines < frameSize / ZspageTable.LineBytes);
            Assert.InRange(geometry.Objects, 1, ZspageGeometry.MaxObjects);
            Assert.True(geometry.OffsetOf(geometry.Objects - 1) + geometry.Stride <= geometry.Frames * frameSize);
            Assert.Equal(0, geometry.Stride % 16);
            Assert.True(geometry.Frames <= chain || geometry.ObjectSize == frameSize);
            for (int index = 0; index < geometry.Objects; index++)
            {
                (int first, int last) = geometry.FramesOf(index);
                Assert.InRange(last - first, 0, 1);
                Assert.InRange(last, 0, geometry.Frames - 1);
            }
        }
    }

    [Theory]
    [MemberData(nameof(FrameSizesAndChains))]
    public void Frames_and_objects_agree_on_who_touches_whom(int frameSize, int chain)
    {
        foreach (ZspageGeometry geometry in SizeClasses.For(frameSize, chain).Geometries)
        {
            for (int frame = 0; frame < geometry.Frames; frame++)
            {
                (int first, int last) = geometry.ObjectsIn(frame);
                for (int index = 0; index < geometry.Objects; index++)
                {
                    (int from, int to) = geometry.FramesOf(index);
                    Assert.Equal(from <= frame && frame <= to, first <= index && index <= last);
                }
            }
        }
    }

    [Fact]
    public void Frames_needed_grow_with_objects_and_are_those_of_whole_zspages_when_full()
    {
        foreach (ZspageGeometry geometry in SizeClasses.For(4096, 64).Geometries)
        {
            long before = 0;
            for (int objects = 0; objects <= 3 * geometry.Objects; objects++)
            {
                long frames = geometry.FramesNeeded(objects);
                Assert.True(frames >= before && frames * 4096 >= (long)objects * geometry.ObjectSize);
                before = frames;
            }
            Assert.True(geometry.FramesNeeded(2 * geometry.Objects) <= 2 * geometry.Frames);
        }
    }

    [Fact]
    public void Slots_give_back_what_was_put_in() =>
        Gen.Select(Gen.UInt[0, (1u << SlotWord.ZspageBits) - 1], Gen.UInt[0, (1u << SlotWord.IndexBits) - 1], Gen.Int[1, 65536], Gen.Int[0, 3]).Sample((head, index, size, codec) =>
        {
            ulong word = SlotWord.ForObject(new ObjectLocation(head, index), size, codec);
            ulong settled = SlotWord.Settled(word);
            return SlotWord.Codec(word) == codec && !SlotWord.IsSettled(word) && SlotWord.IsSettled(settled) && SlotWord.Codec(settled) == codec
                && SlotWord.Size(settled) == size && SlotWord.IsAt(settled, new ObjectLocation(head, index))
                && SlotWord.Kind(word) == SlotKind.Object && SlotWord.Size(word) == size && SlotWord.Location(word) == new ObjectLocation(head, index)
                && !SlotWord.IsLocked(word) && SlotWord.IsAt(word, new ObjectLocation(head, index)) && !SlotWord.IsAt(word, new ObjectLocation(head ^ 1, index));
        });

    [Fact]
    public void An_object_in_a_larger_place_stays_one_when_it_moves() =>
        Gen.Select(Gen.UInt[0, (1u << SlotWord.ZspageBits) - 2], Gen.UInt[0, (1u << SlotWord.IndexBits) - 1], Gen.Int[1, 65536], Gen.Bool, Gen.Int[0, 3]).Sample((head, index, size, misplaced, codec) =>
        {
            ObjectLocation location = new(head, index);
            ObjectLocation other = new(head + 1, index ^ 1);
            ulong word = misplaced ? SlotWord.ForMisplacedObject(location, size, codec) : SlotWord.Settled(SlotWord.ForObject(location, size, codec));
            ulong slot = word;
            SlotWord.TryAcquireShared(ref slot, out _);
            ulong moved = SlotWord.MovedTo(slot, other);
            return SlotWord.HoldsObject(word) && SlotWord.IsAt(word, location)
                && SlotWord.HoldsObject(moved) && SlotWord.IsAt(moved, other) && !SlotWord.IsAt(moved, location)
                && SlotWord.Kind(moved) == (misplaced ? SlotKind.MisplacedObject : SlotKind.Object) && SlotWord.Size(moved) == size && !SlotWord.IsLocked(moved)
                && SlotWord.Codec(moved) == codec && SlotWord.IsSettled(moved) == !misplaced;
        });
}
