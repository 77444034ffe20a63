using System.Buffers.Binary;

namespace PageFold.Fuzz;

/// <summary>Changes inputs by chance: bits, bytes, numbers, pieces moved, left out, doubled, or taken from another input.</summary>
internal sealed class Mutator(int seed)
{
    private const int MaxBytes = 64 << 10;

    private static readonly long[] Numbers =
        [0, 1, -1, 7, 8, 16, 255, 256, 4095, 4096, 4097, 32767, 65535, 65536, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue,
            long.MinValue];

    private readonly Random _random = new(seed);

    public int Next(int below) => _random.Next(below);

    public byte[] Mutate(byte[] input, byte[] other)
    {
        byte[] result = [.. input];
        for (int changes = 1 << _random.Next(4); changes > 0; changes--)
            result = Change(result, other);
        return result.Length > MaxBytes ? result[..MaxBytes] : result;
    }

    private byte[] Change(byte[] bytes, byte[] other)
    {
        if (bytes.Length == 0)
            return [.. other];
        int at = _random.Next(bytes.Length);
        int length = _random.Next(1, Math.Min(bytes.Length - at, 1 << _random.Next(12)) + 1);
        switch (_random.Next(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                return bytes;
            case 1:
                bytes[at] = (byte)_random.Next(256);
                return bytes;
            case 2:
                bytes[at] += (byte)_random.Next(-3, 4);
                return bytes;
            case 3:
                return [.. bytes[..at], .. bytes[(at + length)..]];
            case 4:
                return [.. bytes[..(at + length)], .. bytes[at..]];
            case 5:
                bytes.AsSpan(at, length).CopyTo(bytes.AsSpan(_random.Next(bytes.Length - length + 1)));
                return bytes;
            case 6 when other.Length > 0:
                int from = _random.Next(other.Length);
                return [.. bytes[..at], .. other[from..Math.Min(other.Length, from + length)], .. bytes[at..]];
            default:
                WriteNumber(bytes.AsSpan(at), Numbers[_random.Next(Numbers.Length)]);
                return bytes;
        }
    }

    private void WriteNumber(Span<byte> target, long number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        int width = 1 << _random.Next(4);
        bytes = bytes[..width];
        if (_random.Next(2) == 0)
            bytes.Reverse();
        bytes[..Math.Min(width, target.Length)].CopyTo(target);
    }
}
