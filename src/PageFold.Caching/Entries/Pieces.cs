using System.Buffers.Binary;
using PageFold.Caching.Records;

namespace PageFold.Caching.Entries;

/// <summary>Entries that are too large for one object: key and value are a stream that is cut into pieces, each an object.</summary>
/// <remarks>
/// <para>
/// The entry's own object lists the pieces, in order. If they are too many for it, it lists lists: objects that are full of locations, in
/// order, but for the last. A list has a number too, with the high bit of the field set. So a piece that compaction moves leads to its
/// place in a list by its hash and number.
/// </para>
/// <para>Pieces are changed and moved only while the entry's hash is held alone.</para>
/// </remarks>
internal static class Pieces
{
    private const uint ListBit = 1u << 31;

    /// <summary>How an entry's stream is cut.</summary>
    public readonly record struct Plan(int PieceLength, long Stream, int Pieces, int Lists)
    {
        /// <summary>Locations in the entry's own object.</summary>
        public int Listed => Lists > 0 ? Lists : Pieces;

        /// <summary>Locations in a full list.</summary>
        public int PerList => PieceLength / EntryView.LocationBytes;

        public int LengthOf(int piece) => (int)Math.Min(PieceLength, Stream - (long)piece * PieceLength);

        public int LengthOfList(int list) => Math.Min(PerList, Pieces - list * PerList) * EntryView.LocationBytes;
    }

    /// <summary>How a stream is cut, if the entry's own object has room for so many bytes of locations.</summary>
    public static Plan For(int pieceLength, long stream, int roomForLocations)
    {
        int pieces = (int)((stream + pieceLength - 1) / pieceLength);
        int perList = pieceLength / EntryView.LocationBytes;
        int lists = (long)pieces * EntryView.LocationBytes <= roomForLocations ? 0 : (pieces + perList - 1) / perList;
        return new Plan(pieceLength, stream, pieces, lists);
    }

    /// <summary>The longest stream whose pieces can be listed, if the entry's own object has room for so many bytes of locations.</summary>
    public static long LongestStream(int pieceLength, int roomForLocations) =>
        (long)(roomForLocations / EntryView.LocationBytes) * (pieceLength / EntryView.LocationBytes) * pieceLength;

    /// <summary>How an entry's stream is cut.</summary>
    public static Plan PlanOf(ObjectHeap heap, in EntryView entry) =>
        For(heap.MaxObjectSize, entry.Header.Rest, entry.Object.Capacity - entry.ListOffset);

    /// <summary>All bytes that an entry takes from the heap, tags included.</summary>
    public static long BytesOf(ObjectHeap heap, in EntryView entry)
    {
        if (!entry.Header.Is(EntryForms.InPieces))
            return entry.Bytes;
        Plan plan = PlanOf(heap, entry);
        return entry.Bytes + BytesOf(heap, plan);
    }

    /// <summary>Bytes of pieces and lists, tags included.</summary>
    public static long BytesOf(ObjectHeap heap, Plan plan)
    {
        long whole = heap.MaxObjectSize + sizeof(ulong);
        long bytes = (plan.Pieces - 1) * whole + heap.Footprint(plan.LengthOf(plan.Pieces - 1)) + sizeof(ulong);
        if (plan.Lists > 0)
        {
            int list = heap.Footprint(plan.PerList * EntryView.LocationBytes) + sizeof(ulong);
            bytes += (long)list * (plan.Lists - 1) + heap.Footprint(plan.LengthOfList(plan.Lists - 1)) + sizeof(ulong);
        }
        return bytes;
    }

    /// <summary>The tag of a list.</summary>
    public static EntryTag TagOfList(uint hash, int list) => EntryTag.ForPiece(hash, (uint)list | ListBit);

    /// <summary>Copies bytes of an entry's stream out; false if a list is damaged.</summary>
    public static bool Read(ObjectHeap heap, in EntryView entry, long offset, Span<byte> destination)
    {
        Plan plan = PlanOf(heap, entry);
        while (!destination.IsEmpty)
        {
            int piece = (int)(offset / plan.PieceLength);
            int inPiece = (int)(offset % plan.PieceLength);
            int length = Math.Min(destination.Length, plan.LengthOf(piece) - inPiece);
            if (!TryLocate(heap, entry, plan, piece, out ulong location))
                return false;
            heap.View(new ObjectLocation(location)).Read(inPiece, destination[..length]);
            destination = destination[length..];
            offset += length;
        }
        return true;
    }

    /// <summary>True if an entry in pieces has this key.</summary>
    public static bool KeyIs(ObjectHeap heap, in EntryView entry, ReadOnlySpan<byte> key)
    {
        if (entry.Header.KeyLength != key.Length || entry.Header.Rest < (uint)key.Length)
            return false;
        Plan plan = PlanOf(heap, entry);
        for (int piece = 0; !key.IsEmpty; piece++)
        {
            if (!TryLocate(heap, entry, plan, piece, out ulong location))
                return false;
            HeapObject bytes = heap.View(new ObjectLocation(location));
            int length = Math.Min(key.Length, plan.LengthOf(piece));
            int inFirst = Math.Min(length, bytes.First.Length);
            if (!bytes.First[..inFirst].SequenceEqual(key[..inFirst])
                || !bytes.Second[..(length - inFirst)].SequenceEqual(key[inFirst..length]))
                return false;
            key = key[length..];
        }
        return true;
    }

    /// <summary>True if an entry has this piece or list at this location.</summary>
    public static bool IsAt(ObjectHeap heap, in EntryView entry, uint number, ulong location)
    {
        if (!entry.Header.Is(EntryForms.InPieces))
            return false;
        Plan plan = PlanOf(heap, entry);
        int index = (int)(number & ~ListBit);
        bool isList = (number & ListBit) != 0;
        if (index >= (isList ? plan.Lists : plan.Pieces))
            return false;
        bool isListed = isList
            ? TryReadListed(entry.Object, entry.ListOffset, index, out ulong listed)
            : TryLocate(heap, entry, plan, index, out listed);
        return isListed && listed == location;
    }

    /// <summary>Says where a piece or list of an entry is now.</summary>
    public static void SetLocation(ObjectHeap heap, in EntryView entry, uint number, ulong location)
    {
        Plan plan = PlanOf(heap, entry);
        int index = (int)(number & ~ListBit);
        if ((number & ListBit) != 0 || plan.Lists == 0)
        {
            List(entry.Object, entry.ListOffset, index, location);
            return;
        }
        if (TryReadListed(entry.Object, entry.ListOffset, index / plan.PerList, out ulong list))
            List(heap.View(new ObjectLocation(list)), 0, index % plan.PerList, location);
    }

    /// <summary>Frees all pieces and lists of an entry that no index names any more. What a damaged list names stays.</summary>
    public static void Free(ObjectHeap heap, in EntryView entry)
    {
        Plan plan = PlanOf(heap, entry);
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            if (TryLocate(heap, entry, plan, piece, out ulong location))
                heap.Free(new ObjectLocation(location));
        }
        for (int list = 0; list < plan.Lists; list++)
        {
            if (TryReadListed(entry.Object, entry.ListOffset, list, out ulong location))
                heap.Free(new ObjectLocation(location));
        }
    }

    /// <summary>Finds a piece; false if a list is damaged.</summary>
    public static bool TryLocate(ObjectHeap heap, in EntryView entry, Plan plan, int piece, out ulong location)
    {
        if (plan.Lists == 0)
            return TryReadListed(entry.Object, entry.ListOffset, piece, out location);
        return TryReadListed(entry.Object, entry.ListOffset, piece / plan.PerList, out location)
            && TryReadListed(heap.View(new ObjectLocation(location)), 0, piece % plan.PerList, out location);
    }

    /// <summary>Reads a location of a list; false if it is damaged.</summary>
    public static bool TryReadListed(HeapObject list, int offset, int index, out ulong location)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        list.Read(offset + index * EntryView.LocationBytes, bytes[..EntryView.LocationBytes]);
        byte check = bytes[EntryView.LocationBytes - 1];
        bytes[EntryView.LocationBytes - 1] = 0;
        location = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return check == CheckOf(bytes);
    }

    /// <summary>Writes a location to a list.</summary>
    public static void List(HeapObject list, int offset, int index, ulong location)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, location);
        bytes[EntryView.LocationBytes - 1] = CheckOf(bytes);
        list.Write(offset + index * EntryView.LocationBytes, bytes[..EntryView.LocationBytes]);
    }

    // Changes with every byte that is damaged alone, and is not zero for a location of zeros.
    private static byte CheckOf(ReadOnlySpan<byte> location) =>
        (byte)(0x5A ^ location[0] ^ location[1] ^ location[2] ^ location[3] ^ location[4]);
}
