using PageFold.Frames;

namespace PageFold.Tests.Frames;

public class FrameSetTests
{
    [Fact]
    public void Agrees_with_a_sorted_set_whatever_is_added_and_removed() =>
        Gen.Select(Gen.UInt[1, 300_000], Gen.ULong).Sample((capacity, seed) =>
        {
            Random random = new((int)seed);
            using FrameSet set = new(capacity);
            SortedSet<uint> model = [];
            for (int i = 0; i < 500; i++)
            {
                // Around a few places, so that neighbours meet and words empty again.
                uint frame = (uint)((random.Next(4) * (long)capacity / 4 + random.Next(130)) % capacity);
                if (random.Next(2) == 0)
                    Assert.Equal(model.Add(frame), set.Add(frame));
                else
                    Assert.Equal(model.Remove(frame), set.Remove(frame));
                Assert.Equal((uint)model.Count, set.Count);
                Assert.Equal(model.Contains(frame), set.Contains(frame));
                Assert.Equal(model.Count > 0, set.TryFindFirst(out uint first));
                Assert.Equal(model.Count > 0, set.TryFindLast(out uint last));
                Assert.Equal(model.Count > 0 ? model.Min : uint.MaxValue, first);
                Assert.Equal(model.Count > 0 ? model.Max : uint.MaxValue, last);
            }
        }, iter: 300);

    [Fact]
    public void Knows_no_frame_beyond_its_capacity()
    {
        using FrameSet set = new(10);
        Assert.False(set.Contains(10));
        Assert.False(set.Contains(uint.MaxValue));
        Assert.False(set.Remove(uint.MaxValue));
    }
}
