using PageFold.Frames;

namespace PageFold.Store;

/// <summary>A codec's context and what was charged for it. The owner frees it exactly once; the default value is none.</summary>
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
    /// <param name="bytes">What a context is known to take, charged before it is made; zero if none was made yet. Then what this one took.</param>
    /// <param name="made">The context.</param>
    public static bool TryMake(MemoryBudget budget, PageCodec codec, int pageSize, ref long bytes, out ChargedContext made)
    {
        made = default;
        if (budget.Faults?.ShouldRefuse() == true || !budget.TryCharge(bytes))
            return false;
        long charged = bytes;
        PageCodecContext? context = null;
        bool ready = false;
        try
        {
            context = codec.CreateContext(pageSize);
            ready = context.Bytes <= charged || budget.TryCharge(context.Bytes - charged);
            if (ready)
                charged = Math.Max(charged, context.Bytes);
        }
        catch (OutOfMemoryException)
        {
            // Reported like a limit that is reached.
        }
        finally
        {
            if (!ready)
            {
                context?.Dispose();
                budget.Release(charged);
            }
        }
        if (!ready)
            return false;
        bytes = charged;
        made = new ChargedContext(context!, charged);
        return true;
    }

    public void Free(MemoryBudget budget)
    {
        Context?.Dispose();
        budget.Release(_charged);
    }
}
