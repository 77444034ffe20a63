using System.Buffers.Binary;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>Block status: how extents are held, in the contexts that were agreed on.</summary>
internal sealed partial class Transmission
{
    private const int DescriptorLength = 2 * sizeof(uint);
    private const int StatusOverhead = NbdConstants.ChunkHeaderLength + sizeof(uint);

    // What one reply tells at most; the client asks again from there on.
    private const int MostDescriptors = 4096;
    private const long MostPages = 1 << 18;

    private void AnswerStatus()
    {
        bool one = (_request.Flags & CommandFlags.RequestOne) != 0;
        lock (_replies.Lock)
        {
            foreach ((MetaContexts context, _) in MetaContextNames.All)
            {
                if ((_contexts & context) == 0)
                    continue;
                bool last = (_contexts & ~context & ~(context - 1)) == 0;
                Span<byte> reply = _replies.Reserve(StatusOverhead + MostDescriptors * DescriptorLength);
                int descriptors = Describe(reply[StatusOverhead..], context, one ? 1 : MostDescriptors);
                int length = descriptors * DescriptorLength;
                Replies.Chunk(reply, _request.Cookie, ChunkType.BlockStatus, done: last, sizeof(uint) + length);
                BinaryPrimitives.WriteUInt32BigEndian(reply[NbdConstants.ChunkHeaderLength..], (uint)context);
                _replies.Commit(StatusOverhead + length);
            }
        }
        _export.Counters.Count(NbdCommand.BlockStatus, _request.Length, NbdError.None, _started);
    }

    /// <summary>Describes runs of pages with equal flags from the request's offset on; returns how many.</summary>
    private int Describe(Span<byte> descriptors, MetaContexts context, int most)
    {
        long end = _position + _request.Length;
        long offset = _position;
        // Looking at pages takes time, in which no other request of this connection is answered.
        long enough = Math.Min(end, offset + MostPages * _disk.PageSize);
        int count = 0;
        uint current = 0;
        long from = offset;
        while (offset < enough)
        {
            long run = _disk.RunAt(offset, end - offset, out PageResidency residency);
            uint flags = FlagsFor(context, residency);
            if (offset > from && flags != current)
            {
                Put(descriptors, ref count, offset - from, current);
                if (count == most)
                    return count;
                from = offset;
            }
            current = flags;
            offset += run;
        }
        Put(descriptors, ref count, offset - from, current);
        return count;
    }

    private static void Put(Span<byte> descriptors, ref int count, long length, uint flags)
    {
        Span<byte> descriptor = descriptors[(count++ * DescriptorLength)..];
        BinaryPrimitives.WriteUInt32BigEndian(descriptor, (uint)length);
        BinaryPrimitives.WriteUInt32BigEndian(descriptor[sizeof(uint)..], flags);
    }

    private uint FlagsFor(MetaContexts context, PageResidency residency) => context == MetaContexts.Allocation ? (uint)Allocation(residency) : (uint)Residency(residency);

    private static AllocationFlags Allocation(PageResidency residency) => residency switch
    {
        PageResidency.Hole => AllocationFlags.Hole | AllocationFlags.Zero,
        PageResidency.Zero => AllocationFlags.Zero,
        _ => AllocationFlags.None,
    };

    private ResidencyFlags Residency(PageResidency residency) => residency switch
    {
        PageResidency.Hole => ResidencyFlags.WriteMayMeetNoSpace,
        PageResidency.Zero => ResidencyFlags.Zero | ResidencyFlags.WriteMayMeetNoSpace,
        PageResidency.SameFilled => ResidencyFlags.SameFilled | ResidencyFlags.WriteMayMeetNoSpace,
        PageResidency.Compressed => ResidencyFlags.Compressed | ResidencyFlags.WriteMayMeetNoSpace,
        // Nothing compresses to more than its own place.
        PageResidency.Incompressible when !_disk.HasCache => ResidencyFlags.Incompressible,
        // A part of it needs a place in the cache, which a page may have that waits for memory.
        PageResidency.Incompressible => ResidencyFlags.Incompressible | ResidencyFlags.WriteMayMeetNoSpace,
        _ => ResidencyFlags.WrittenBack | ResidencyFlags.WriteMayMeetNoSpace,
    };
}
