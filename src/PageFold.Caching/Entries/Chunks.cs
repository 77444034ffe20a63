using System.Buffers.Binary;
using System.IO.Hashing;
using PageFold.Caching.Coding;

namespace PageFold.Caching.Entries;

/// <summary>The stream of an entry in pieces: the key, then the value in chunks that are compressed one by one.</summary>
/// <remarks>A chunk has 64 KiB of the value, the last one the rest, and before it 9 bytes: form, stored length, checksum.</remarks>
internal static class Chunks
{
    /// <summary>Bytes of the value in a chunk.</summary>
    public const int Length = ValueCoder.MaxLength;

    /// <summary>Bytes before each chunk.</summary>
    public const int HeaderLength = 1 + sizeof(int) + sizeof(uint);

    /// <summary>Chunks of a value.</summary>
    public static int CountOf(int length) => (int)(((long)length + Length - 1) / Length);

    public static void WriteHeader(Span<byte> destination, ValueForm form, ReadOnlySpan<byte> stored, uint hash)
    {
        destination[0] = form.Number;
        BinaryPrimitives.WriteInt32LittleEndian(destination[1..], stored.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[(1 + sizeof(int))..], Checksum(form, stored, hash));
    }

    public static ValueForm ReadHeader(ReadOnlySpan<byte> header, out int length, out uint checksum)
    {
        length = BinaryPrimitives.ReadInt32LittleEndian(header[1..]);
        checksum = BinaryPrimitives.ReadUInt32LittleEndian(header[(1 + sizeof(int))..]);
        return new ValueForm(header[0]);
    }

    /// <summary>Reads and decodes a value; false if it is damaged. The caller holds the entry.</summary>
    /// <param name="heap">The heap.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="coder">Decodes.</param>
    /// <param name="destination">Receives the value, and is as long.</param>
    public static bool TryRead(ObjectHeap heap, in EntryView entry, ValueCoder coder, Span<byte> destination)
    {
        long offset = entry.Header.KeyLength;
        while (!destination.IsEmpty)
        {
            int length = Math.Min(Length, destination.Length);
            if (!TryReadHeader(heap, entry, ref offset, out ValueForm form, out int storedLength, out uint checksum))
                return false;
            Span<byte> stored = coder.StoredBuffer(storedLength);
            if (!Pieces.Read(heap, entry, offset, stored))
                return false;
            if (Checksum(form, stored, entry.Tag.Hash) != checksum || !coder.TryDecode(form, stored, [], destination[..length]))
                return false;
            destination = destination[length..];
            offset += storedLength;
        }
        return true;
    }

    /// <summary>Ends the references of all chunks.</summary>
    public static void Release(ObjectHeap heap, in EntryView entry, ValueCoding coding)
    {
        long offset = entry.Header.KeyLength;
        for (int left = entry.Header.ValueLength; left > 0; left -= Length)
        {
            if (!TryReadHeader(heap, entry, ref offset, out ValueForm form, out int storedLength, out _))
                return;
            coding.Release(form);
            offset += storedLength;
        }
    }

    /// <summary>True if a chunk is compressed with the tables of this number.</summary>
    public static bool Use(ObjectHeap heap, in EntryView entry, byte number)
    {
        long offset = entry.Header.KeyLength;
        for (int left = entry.Header.ValueLength; left > 0; left -= Length)
        {
            if (!TryReadHeader(heap, entry, ref offset, out ValueForm form, out int storedLength, out _) || form.Number == number)
                return true;
            offset += storedLength;
        }
        return false;
    }

    private static bool TryReadHeader(ObjectHeap heap, in EntryView entry, ref long offset, out ValueForm form, out int length,
        out uint checksum)
    {
        (form, length, checksum) = (default, 0, 0);
        if (offset + HeaderLength > entry.Header.Rest)
            return false;
        Span<byte> header = stackalloc byte[HeaderLength];
        if (!Pieces.Read(heap, entry, offset, header))
            return false;
        offset += HeaderLength;
        form = ReadHeader(header, out length, out checksum);
        return length is >= 0 and <= Length && offset + length <= entry.Header.Rest;
    }

    /// <summary>
    /// The checksum of a chunk, of its form too: stored bytes that other tables decode are another value, and so are those of another key.
    /// </summary>
    public static uint Checksum(ValueForm form, ReadOnlySpan<byte> stored, uint hash) =>
        (uint)XxHash3.HashToUInt64(stored, (long)form.Number << 32 | hash);
}
