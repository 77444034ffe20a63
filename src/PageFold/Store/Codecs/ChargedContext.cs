using PageFold.Compression;
using PageFold.Frames;

namespace PageFold.Store.Codecs;

/// <summary>A codec's context and what was charged for it. The owner frees it exactly once; the default value is none.</summary>
/// <remarks>
/// A codec may be any caller's. What it says of its memory is read once, and exactly that is charged and released; what it throws while a
/// context is freed ends here.
/// </remarks>
internal readonly struct ChargedContext
{
    private readonly long _charged;

    private ChargedContext(PageCodecContext context, long charged)
    {
        Context = context;
        _charged = charged;
    }

    public PageCodecContext Context { get; }

    /// <summary>Makes a context; false when there is no memory for it.</summary>
    /// <param name="budget">What is charged.</param>
    /// <param name="codec">The codec.</param>
    /// <param name="pageSize">Bytes in a page.</param>
    /// <param name="bytes">What a context is known to take, zero if none was made yet; then what this one takes, or would take. It is
    /// charged before the context is made, and settled after.</param>
    /// <param name="made">The context.</param>
    /// <exception cref="ArgumentException">The codec makes no context, or one whose bytes are negative.</exception>
    public static bool TryMake(MemoryBudget budget, PageCodec codec, int pageSize, ref long bytes, out ChargedContext made)
    {
        made = default;
        if (bytes == 0)
            bytes = codec.MaxContextBytes(pageSize);
        if (budget.Faults?.ShouldRefuse() == true || !budget.TryCharge(bytes))
            return false;
        long charged = bytes;
        PageCodecContext? context = null;
        bool ready = false;
        try
        {
            context = codec.CreateContext(pageSize);
            bytes = CodecThrow.IfClaimInvalid(context?.Bytes, codec, "a context's Bytes");
            ready = budget.TryAdjust(ref charged, bytes);
        }
        catch (OutOfMemoryException)
        {
            // Reported like a limit that is reached.
        }
        finally
        {
            if (!ready)
            {
                Free(context);
                budget.Release(charged);
            }
        }
        if (!ready)
            return false;
        made = new ChargedContext(context!, charged);
        return true;
    }

    public void Free(MemoryBudget budget)
    {
        Free(Context);
        budget.Release(_charged);
    }

    private static void Free(PageCodecContext? context)
    {
        try
        {
            context?.Dispose();
        }
        // The caller may be any operation, the last one that leaves a disposed store included, and has nothing to do with it.
#pragma warning disable CA1031
        catch (Exception)
#pragma warning restore CA1031
        {
            // The context is not used again either way.
        }
    }
}
