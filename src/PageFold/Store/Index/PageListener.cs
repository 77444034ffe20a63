namespace PageFold.Store.Index;

/// <summary>Called before a page changes; a snapshot copies the page then.</summary>
internal abstract class PageListener
{
    /// <summary>
    /// Runs inside the rundown gate, before the content of a page changes or goes. The thread that changes the page holds neither a slot
    /// nor a codec stream, so this may wait.
    /// </summary>
    public abstract void BeforeChange(uint page);
}
