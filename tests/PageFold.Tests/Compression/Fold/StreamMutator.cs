using System.Buffers.Binary;

namespace PageFold.Tests.Compression.Fold;

/// <summary>Makes damaged streams of valid ones, in place and without an allocation, so that millions can be made in a second.</summary>
internal static class StreamMutator
{
    // A header has at most 11 bytes.
    private const int Header = 11;

    private static readonly ulong[] Extremes = [0, ulong.MaxValue, 0x8000_8000_8000_8000, 0x7FFF_7FFF_7FFF_7FFF, 0x0101_0101_0101_0101];

    /// <summary>Writes a damaged stream; returns its length.</summary>
    /// <param name="target">Receives it; has room for more than the longest stream.</param>
    /// <param name="stream">A valid stream.</param>
    /// <param name="other">Another one.</param>
    /// <param name="dice">Decides what is changed.</param>
    public static int Make(Span<byte> target, ReadOnlySpan<byte> stream, ReadOnlySpan<byte> other, ref Dice dice)
    {
        stream.CopyTo(target);
        int length = stream.Length;
        int changes = 1 << dice.Below(4);
        for (int i = 0; i < changes; i++)
            length = Change(target, length, other, ref dice);
        return length;
    }

    private static int Change(Span<byte> target, int length, ReadOnlySpan<byte> other, ref Dice dice)
    {
        if (length == 0)
        {
            other.CopyTo(target);
            return other.Length;
        }
        Span<byte> bytes = target[..length];
        int at = dice.Below(length);
        switch (dice.Below(14))
        {
            case 0 or 1 or 2:
                bytes[at] ^= (byte)(1 << dice.Below(8));
                return length;
            case 3 or 4:
                bytes[at] = (byte)dice.Next();
                return length;
            case 5 or 6:
                // The header's bits, of which each matters.
                bytes[Math.Min(at, dice.Below(Header))] ^= (byte)(1 << dice.Below(8));
                return length;
            case 7:
                return PutExtreme(bytes, dice.Below(Math.Min(length, Header)), ref dice);
            case 8:
                return PutExtreme(bytes, at, ref dice);
            case 9:
                return at;
            case 10:
                int more = Math.Min(dice.Below(1 + dice.Below(300)), target.Length - length);
                ulong pattern = dice.Below(2) == 0 ? 0 : dice.Next();
                for (int i = 0; i < more; i++)
                    target[length + i] = (byte)(pattern >> i % 7 * 8);
                return length + more;
            case 11:
                // The other's end behind this one's start, or at the same place.
                int from = Math.Min(dice.Below(2) == 0 ? at : dice.Below(other.Length), other.Length);
                int copied = Math.Min(other.Length - from, target.Length - at);
                other.Slice(from, copied).CopyTo(target[at..]);
                return at + copied;
            case 12:
                int moved = 1 + dice.Below(length - at);
                bytes.Slice(at, moved).CopyTo(bytes[dice.Below(length - moved + 1)..]);
                return length;
            default:
                if (dice.Below(20) != 0)
                    return length;
                foreach (ref byte value in bytes)
                    value = (byte)dice.Next();
                return length;
        }
    }

    private static int PutExtreme(Span<byte> bytes, int at, ref Dice dice)
    {
        Span<byte> word = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(word, Extremes[dice.Below(Extremes.Length)]);
        int count = Math.Min(1 + dice.Below(8), bytes.Length - at);
        word[..count].CopyTo(bytes[at..]);
        return bytes.Length;
    }
}
