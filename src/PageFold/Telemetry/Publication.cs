namespace PageFold.Telemetry;

/// <summary>Publishes instruments to the listeners of the process, whose code runs meanwhile.</summary>
internal static class Publication
{
    /// <summary>Creates an instrument; what a listener throws ends here.</summary>
    /// <remarks>
    /// Instruments are created while the first store or pool is. After an exception the instrument exists all the same, and other listeners
    /// find it. Without this, the exception would leave the type that holds the instruments unusable, and with it all stores and pools of
    /// the process.
    /// </remarks>
    public static void Of(Action create)
    {
        try
        {
            create();
        }
#pragma warning disable CA1031
        catch (Exception)
#pragma warning restore CA1031
        {
            // It belongs to the listener.
        }
    }
}
