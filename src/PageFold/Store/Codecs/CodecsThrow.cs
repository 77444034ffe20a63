using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Store.Codecs;

/// <summary>
/// Exceptions of a store's set of codecs. Each is named by its cause; a message names the option or argument, the value and the remedy.
/// </summary>
[StackTraceHidden]
internal static class CodecsThrow
{
    /// <summary>A part of what a codec takes, which alone is more than the limit.</summary>
    [DoesNotReturn]
    public static void CodecAboveLimit(string codec, string part, long bytes, long limit) =>
        throw Throw.Invalid(OptionNames.Codec,
            $"{OptionNames.Codec} {codec} takes {Throw.Bytes(bytes)} ({part}), and {OptionNames.MemoryLimit} is {Throw.Bytes(limit)}; "
                + $"choose another codec, or raise the limit.");

    public static void IfCodecCallsItsStore(bool calls)
    {
        if (calls)
            throw new InvalidOperationException(
                "A codec calls the store that it works for while it compresses, decompresses or makes a context; that would wait "
                    + "for itself. Call it from elsewhere.");
    }

    [DoesNotReturn]
    public static void NoMemoryForCodec(string codec, long bytes, long limit, bool writesBack)
    {
        OptionMessage message =
            $"No memory for codec {codec}, which takes {Throw.Bytes(bytes)} and more, within {OptionNames.MemoryLimit} "
                + $"({Throw.Bytes(limit)}); ";
        if (bytes <= limit)
            message.AppendLiteral($"retire a codec that is not needed, {Throw.RoomForMore(writesBack)}, then try again, or ");
        message.AppendLiteral("choose a codec that takes less, or raise ");
        message.AppendFormatted(OptionNames.MemoryLimit);
        message.AppendLiteral(".");
        throw Throw.NoMemory(message);
    }

    [DoesNotReturn]
    public static void NoCodecNumber(string codec) =>
        throw new InvalidOperationException(
            $"Codec {codec} is one too many: a store has at most {Store.Index.PageWord.MaxCodecs}, and pages are stored with all of them; "
                + "retire one first (RetireCodec, or Recompress with RetireOthers).");

    public static void IfCodecsFrozen(bool frozen, string codec)
    {
        if (frozen)
            throw new InvalidOperationException(
                $"Codec {codec} cannot be added while a snapshot is being taken, whose file names the codecs; add it before or after.");
    }
}
