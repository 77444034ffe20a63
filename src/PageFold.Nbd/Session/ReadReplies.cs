using PageFold.Disks;
using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>Sends the data of reads, piece by piece: in chunks, or behind one head where a reply has to stay whole.</summary>
internal sealed class ReadReplies(RamDisk disk, DiskCommands commands, ReplySequencer replies, bool structured)
{
    /// <summary>Bytes of data in a piece.</summary>
    private const int PieceBytes = 64 << 10;

    /// <summary>Answers a read.</summary>
    public void Send(in ReceivedRequest request)
    {
        if (structured && !request.Has(CommandFlags.DontFragment))
        {
            SendChunks(request);
            return;
        }
        if (request.Length <= PieceBytes)
        {
            _ = SendWhole(request);
            return;
        }
        bool complete = false;
        replies.BeginWhole();
        try
        {
            complete = SendWhole(request);
        }
        finally
        {
            replies.EndWhole(complete);
        }
    }

    private void SendChunks(in ReceivedRequest request)
    {
        long end = request.Offset + request.Length;
        for (long position = request.Offset; position < end;)
        {
            if (replies.HasEnded)
                return;
            long left = end - position;
            if (disk.ZerosAt(position, left) is var zeros and > 0)
            {
                using ReplyRoom reply = replies.Reserve(Replies.HoleChunkLength);
                reply.Commit(Replies.HoleChunk(reply.Span, request.Cookie, done: zeros == left, position, (uint)zeros));
                position += zeros;
                continue;
            }
            int count = (int)disk.DataAt(position, Math.Min(left, PieceBytes));
            if (SendChunk(request, position, count, done: count == left) is var error and not NbdError.None)
            {
                replies.Answer(request, error);
                return;
            }
            position += count;
        }
        replies.Count(request, NbdError.None);
    }

    private NbdError SendChunk(in ReceivedRequest request, long position, int count, bool done)
    {
        using ReplyRoom reply = replies.Reserve(Replies.DataChunkOverhead + count);
        NbdError error = commands.Read(position, reply.Span[Replies.DataChunkOverhead..]);
        if (error != NbdError.None)
            return error;
        Replies.DataChunk(reply.Span, request.Cookie, done, position, count);
        reply.Commit(reply.Span.Length);
        return NbdError.None;
    }

    /// <summary>Sends the data behind one head; false if a part of it is missing.</summary>
    private bool SendWhole(in ReceivedRequest request)
    {
        int count = (int)Math.Min(request.Length, PieceBytes);
        if (SendHead(request, count) is var error and not NbdError.None)
        {
            replies.Answer(request, error);
            return true;
        }
        // The client takes whatever follows the head for data, so a failure from here on ends the connection.
        long end = request.Offset + request.Length;
        for (long position = request.Offset + count; position < end; position += count)
        {
            if (replies.HasEnded)
                return false;
            count = (int)Math.Min(end - position, PieceBytes);
            using ReplyRoom reply = replies.Reserve(count);
            disk.Read(position, reply.Span);
            reply.Commit(count);
        }
        replies.Count(request, NbdError.None);
        return true;
    }

    private NbdError SendHead(in ReceivedRequest request, int count)
    {
        int head = structured ? Replies.DataChunkOverhead : NbdConstants.SimpleReplyLength;
        using ReplyRoom reply = replies.Reserve(head + count);
        NbdError error = commands.Read(request.Offset, reply.Span[head..]);
        if (error != NbdError.None)
            return error;
        if (structured)
            Replies.DataChunk(reply.Span, request.Cookie, done: true, request.Offset, (int)request.Length);
        else
            Replies.Simple(reply.Span, request.Cookie, NbdError.None);
        reply.Commit(reply.Span.Length);
        return NbdError.None;
    }
}
