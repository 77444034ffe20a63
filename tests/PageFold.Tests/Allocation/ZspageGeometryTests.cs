using System.Numerics;
using PageFold.Allocation;
using PageFold.Store.Index;

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
            // Rounded up by less than two steps, or by more where a smaller place would not let more objects into the chain. A step is 16
            // bytes, or a 32nd of the size, up to a 256th of a frame.
            int step = Math.Clamp(1 << BitOperations.Log2((uint)size + 7) >> 5, 16, frameSize / 256);
            int stride = Math.Clamp((size + 8 + step - 1) / step * step, 32, frameSize);
            ZspageGeometry own = ZspageGeometry.For(frameSize, stride, chain);
            ZspageGeometry shared = table.Geometries[number];
            Assert.True(shared.Stride - size - 8 < 2 * step
                || (own.Frames, own.Objects) == (shared.Frames, shared.Objects), $"{size} lies in {shared.ObjectSize}");
        }
    }

    [Theory]
    [MemberData(nameof(FrameSizesAndChains))]
    public void Objects_lie_side_by_side_within_the_chain_and_in_at_most_two_frames(int frameSize, int chain)
    {
        foreach (ZspageGeometry geometry in SizeClasses.For(frameSize, chain).Geometries)
        {
            Assert.True(geometry.DescriptorLines < frameSize / ZspageTable.LineBytes);
            Assert.InRange(geometry.Objects, 1, ZspageGeometry.MaxObjects(frameSize));
            Assert.True(geometry.OffsetOf(geometry.Objects - 1) + geometry.Stride <= geometry.Frames * frameSize);
            Assert.Equal(0, geometry.Stride % 16);
            Assert.True(geometry.Frames <= chain || geometry.ObjectSize == frameSize);
            for (int index = 0; index < geometry.Objects; index++)
            {
                (int first, int last) = geometry.FramesOf(index);
                Assert.InRange(last - first, 0, 1);
                Assert.InRange(last, 0, geometry.Frames - 1);
                // So the first object that lacks frames lacks one: the objects before it have theirs.
                Assert.True(first == last || first == geometry.FramesOf(index - 1).Last);
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
    public void Locations_give_back_what_was_put_in_at_every_frame_size() =>
        Gen.Select(Gen.Int[12, 16], Gen.UInt, Gen.UInt).Sample((frameShift, first, second) =>
        {
            int indexBits = ZspageGeometry.IndexBitsFor(frameShift);
            uint zspage = first % (1u << SlotWord.LocationBits - indexBits);
            int index = (int)(second % (1u << indexBits));
            ObjectLocation location = SlotWord.Location(SlotWord.ForObject(new ObjectLocation(zspage, index, indexBits), 1));
            return location.Zspage(indexBits) == zspage && location.Index(indexBits) == index;
        });

    [Theory]
    [InlineData(4096)]
    [InlineData(8192)]
    [InlineData(16384)]
    [InlineData(32768)]
    [InlineData(65536)]
    public void The_zspages_that_a_location_can_name_hold_a_quarter_of_a_terabyte_or_all_handles(int frameSize)
    {
        foreach (ZspageGeometry geometry in SizeClasses.For(frameSize, maxChain: 1).Geometries)
        {
            int lineBits = geometry.FrameShift - 6;
            long slabs = 1L << SlotWord.LocationBits - geometry.IndexBits - lineBits;
            long zspages = slabs * (((1 << lineBits) - 3) / geometry.DescriptorLines);
            long bytes = zspages * geometry.Frames * frameSize;
            Assert.True(bytes >= 240L << 30 || zspages * geometry.Objects >= ZsHandle.MaxSlots, $"{geometry.ObjectSize}");
        }
    }

    [Theory]
    [InlineData(8192)]
    [InlineData(16384)]
    [InlineData(65536)]
    public void Small_objects_take_hardly_more_of_large_frames_than_of_small_ones(int frameSize)
    {
        for (int size = 1; size <= 4096 - 8; size++)
        {
            SizeClasses small = SizeClasses.For(4096, SizeClasses.DefaultMaxChain);
            SizeClasses large = SizeClasses.For(frameSize, SizeClasses.DefaultMaxChain);
            double least = small.Geometries[small.IndexFor(size)].BytesPerObject;
            Assert.InRange(large.Geometries[large.IndexFor(size)].BytesPerObject, 0, Math.Max(least + 16, least * 1.05));
        }
    }

    [Theory]
    [InlineData(4096, 253)]
    [InlineData(8192, 288)]
    [InlineData(16384, 320)]
    [InlineData(32768, 352)]
    [InlineData(65536, 384)]
    public void Classes_are_few_enough_for_their_records(int frameSize, int most) =>
        Assert.InRange(SizeClasses.For(frameSize, SizeClasses.DefaultMaxChain).Geometries.Count, 200, most);

    [Fact]
    public void Slots_give_back_what_was_put_in() =>
        Gen.Select(Gen.ULong[0, (1UL << SlotWord.LocationBits) - 1], Gen.Int[1, 65536], Gen.Int[0, 3]).Sample((place, size, codec) =>
        {
            ObjectLocation location = new(place);
            ulong word = SlotWord.ForObject(location, size, codec);
            ulong settled = PageWord.WithoutGain(word);
            return PageWord.Codec(word) == codec && !PageWord.IsWithoutGain(word) && PageWord.IsWithoutGain(settled)
                && PageWord.Codec(settled) == codec
                && SlotWord.Size(settled) == size && SlotWord.IsAt(settled, location)
                && SlotWord.Kind(word) == SlotKind.Object && SlotWord.Size(word) == size && SlotWord.Location(word) == location
                && !SlotWord.IsLocked(word) && SlotWord.IsAt(word, location) && !SlotWord.IsAt(word, new ObjectLocation(place ^ 1));
        });

    [Fact]
    public void An_object_in_a_larger_place_stays_one_when_it_moves() =>
        Gen.Select(Gen.ULong[0, (1UL << SlotWord.LocationBits) - 1], Gen.Int[1, 65536], Gen.Bool, Gen.Int[0, 3])
        .Sample((place, size, misplaced, codec) =>
        {
            ObjectLocation location = new(place);
            ObjectLocation other = new(place ^ 0x555);
            ulong word = misplaced ? SlotWord.ForMisplacedObject(location, size, codec)
                : PageWord.WithoutGain(SlotWord.ForObject(location, size, codec));
            ulong slot = word;
            SlotWord.TryAcquireShared(ref slot, out _);
            ulong moved = SlotWord.MovedTo(slot, other);
            return SlotWord.HoldsObject(word) && SlotWord.IsAt(word, location)
                && SlotWord.HoldsObject(moved) && SlotWord.IsAt(moved, other) && !SlotWord.IsAt(moved, location)
                && SlotWord.Kind(moved) == (misplaced ? SlotKind.MisplacedObject : SlotKind.Object) && SlotWord.Size(moved) == size
                    && !SlotWord.IsLocked(moved)
                && PageWord.Codec(moved) == codec && PageWord.IsWithoutGain(moved) == !misplaced;
        });
}
