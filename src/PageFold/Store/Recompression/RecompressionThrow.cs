using System.Diagnostics;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Store.Recompression;

/// <summary>
/// Exceptions of recompression and retirement. Each is named by its cause; a message names the option or argument, the value and the
/// remedy.
/// </summary>
[StackTraceHidden]
internal static class RecompressionThrow
{
    public static InvalidOperationException NoCodecToRetire(string codec) =>
        new($"Codec {codec} needs the number of another one, and none is free to go: new writes, the last recompression and those that are "
            + "going on use all of them; run it again when those have ended.");

    public static void IfCodecNumberUnknown(int number, bool known)
    {
        if (!known)
            throw new ArgumentOutOfRangeException(nameof(number), number, $"No codec has number {number}; choose one that Codecs names.");
    }

    public static void IfCodecIsForWrites(int number, bool isForWrites)
    {
        if (isForWrites)
            throw new InvalidOperationException(
                $"Codec number {number} is used for new writes and cannot be retired; choose another for writes first (UseCodec).");
    }

    public static void IfRetiredToItself(int number, int target)
    {
        if (number == target)
            throw new ArgumentException(
                $"Target is codec number {number} itself; choose another, or leave it null for the codec for writes.", "Target");
    }
}
