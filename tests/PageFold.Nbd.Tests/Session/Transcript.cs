namespace PageFold.Nbd.Tests.Session;

/// <summary>
/// Goes along what a client has sent, whatever it was, and along what the server has answered, and finds anything that the server should
/// not have said: a reply to nothing, a second reply, one of the wrong form or length, or one behind the point where the client stopped
/// making sense. What was asked for in full has to be answered.
/// </summary>
internal sealed class Transcript(byte[] sent, byte[] answered)
{
    // Exports, contexts and kinds of information are few.
    private const int MaxRepliesToAnOption = 8;

    private int _in;
    private int _out;
    private bool _structured;

    public void Check()
    {
        Assert.Equal([.. Wire.U64(Wire.InitMagic), .. Wire.U64(Wire.OptionMagic), .. Wire.U16(3)], TakeOut(18));
        if (!HasIn(4) || Wire.ToU32(TakeIn(4)) is var flags && flags > 3)
        {
            AssertSilent("behind the flags");
            return;
        }
        if (Negotiate(noZeroes: (flags & 2) != 0))
            Transmit();
    }

    private bool Negotiate(bool noZeroes)
    {
        while (HasIn(16) && Wire.ToU64(TakeIn(8)) == Wire.OptionMagic)
        {
            uint option = Wire.ToU32(TakeIn(4));
            uint length = Wire.ToU32(TakeIn(4));
            if (length > 32 << 10 || !HasIn((int)length))
                break;
            TakeIn((int)length);
            if (option == Option.ExportName)
            {
                if (_out == answered.Length)
                    return false;
                TakeOut(noZeroes ? 10 : 134);
                return true;
            }
            uint last = TakeReplies(option);
            _structured |= option == Option.StructuredReply && last == OptionAnswer.Ack;
            if (option == Option.Abort)
                break;
            if (option == Option.Go && last == OptionAnswer.Ack)
                return true;
        }
        AssertSilent("behind the options");
        return false;
    }

    private uint TakeReplies(uint option)
    {
        for (int i = 0; i < MaxRepliesToAnOption; i++)
        {
            Assert.Equal(Wire.OptionReplyMagic, Wire.ToU64(TakeOut(8)));
            Assert.Equal(option, Wire.ToU32(TakeOut(4)));
            uint type = Wire.ToU32(TakeOut(4));
            TakeOut((int)Wire.ToU32(TakeOut(4)));
            if (type == OptionAnswer.Ack || type >= 0x80000000)
                return type;
        }
        Assert.Fail($"option {option} is answered without end");
        return 0;
    }

    private void Transmit()
    {
        // The disk is quick, so replies come in the order of requests.
        while (HasIn(28) && Wire.ToU32(TakeIn(4)) == Wire.RequestMagic)
        {
            TakeIn(2);
            int command = Wire.ToU16(TakeIn(2));
            ulong cookie = Wire.ToU64(TakeIn(8));
            ulong offset = Wire.ToU64(TakeIn(8));
            uint length = Wire.ToU32(TakeIn(4));
            if (command == Command.Disconnect || command == Command.Write && sent.Length - _in < length)
                break;
            if (command == Command.Write)
                TakeIn((int)length);
            TakeReply(command, cookie, offset, length);
        }
        AssertSilent("behind the requests");
    }

    private void TakeReply(int command, ulong cookie, ulong offset, uint length)
    {
        bool structured = _structured && command is Command.Read or Command.BlockStatus && _structured;
        if (!structured)
        {
            Assert.Equal(Wire.SimpleReplyMagic, Wire.ToU32(TakeOut(4)));
            uint error = Wire.ToU32(TakeOut(4));
            Assert.Equal(cookie, Wire.ToU64(TakeOut(8)));
            if (command == Command.Read && error == Errno.None)
                TakeOut((int)length);
            return;
        }
        ulong told = offset;
        bool done;
        do
        {
            Assert.Equal(Wire.StructuredReplyMagic, Wire.ToU32(TakeOut(4)));
            done = Wire.ToU16(TakeOut(2)) == 1;
            int type = Wire.ToU16(TakeOut(2));
            Assert.Equal(cookie, Wire.ToU64(TakeOut(8)));
            byte[] payload = TakeOut((int)Wire.ToU32(TakeOut(4)));
            if (type is ChunkKind.Error or ChunkKind.BlockStatus)
                continue;
            Assert.Equal(told, Wire.ToU64(payload));
            told += type == ChunkKind.Hole ? Wire.ToU32(payload.AsSpan(8)) : (ulong)payload.Length - 8;
            Assert.True(told <= offset + length && done == (told == offset + length));
        }
        while (!done);
    }

    private bool HasIn(int count) => sent.Length - _in >= count;

    private byte[] TakeIn(int count)
    {
        _in += count;
        return sent[(_in - count).._in];
    }

    private byte[] TakeOut(int count)
    {
        Assert.True(answered.Length - _out >= count, "the server has said too little");
        _out += count;
        return answered[(_out - count).._out];
    }

    private void AssertSilent(string where) => Assert.True(_out == answered.Length, $"{answered.Length - _out} bytes too many {where}");
}
