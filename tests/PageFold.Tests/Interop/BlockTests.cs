using PageFold.Interop;

namespace PageFold.Tests.Interop;

/// <summary>What is copied or cleared is whole, and nothing beside it is touched.</summary>
public class BlockTests
{
    private const int Room = 12_000;
    private const byte Untouched = 0xA5;

    [Fact]
    public void Every_length_at_every_alignment_is_copied_and_nothing_beside_it() =>
        Gen.Select(Gen.OneOf(Gen.Int[0, 300], Gen.Int[0, 9000]), Gen.Int[0, 64], Gen.Int[1, 64]).Sample((length, from, to) =>
        {
            byte[] source = new byte[Room];
            byte[] target = new byte[Room];
            new Random(length).NextBytes(source);
            target.AsSpan().Fill(Untouched);
            Copy(source, from, target, to, length);
            return target.AsSpan(to, length).SequenceEqual(source.AsSpan(from, length))
                && target.AsSpan(0, to).IndexOfAnyExcept(Untouched) < 0 && target.AsSpan(to + length).IndexOfAnyExcept(Untouched) < 0;
        });

    [Fact]
    public void Every_length_at_every_alignment_is_cleared_and_nothing_beside_it() =>
        Gen.Select(Gen.OneOf(Gen.Int[0, 300], Gen.Int[0, 9000]), Gen.Int[0, 64]).Sample((length, from) =>
        {
            byte[] target = new byte[Room];
            target.AsSpan().Fill(Untouched);
            Clear(target, from, length);
            return target.AsSpan(from, length).IndexOfAnyExcept((byte)0) < 0
                && target.AsSpan(0, from).IndexOfAnyExcept(Untouched) < 0 && target.AsSpan(from + length).IndexOfAnyExcept(Untouched) < 0;
        });

    private static unsafe void Clear(byte[] target, int from, int length)
    {
        fixed (byte* first = target)
            Block.Clear(first + from, length);
    }

    private static unsafe void Copy(byte[] source, int from, byte[] target, int to, int length)
    {
        fixed (byte* first = source, second = target)
            Block.Copy(second + to, first + from, length);
    }
}
